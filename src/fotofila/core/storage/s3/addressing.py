"""The URL of an S3 bucket: AWS's or another server's, with the bucket in the path or in the host name."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

Addressing = Literal["auto", "path", "virtual"]


def aws_endpoint(region: str) -> str:
    """Return AWS's own endpoint in a region."""
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"https://s3.{region}.{suffix}"


def is_virtual(addressing: Addressing, *, endpoint: str, bucket: str) -> bool:
    """Say whether the bucket is part of the host name: on AWS, unless a dot in its name would break the certificate."""
    if addressing == "auto":
        return not endpoint and "." not in bucket
    return addressing == "virtual"


def bucket_url(endpoint: str, bucket: str, *, virtual: bool) -> str:
    """Return the URL of a bucket, without a slash at the end.

    Raises:
        ValueError: the endpoint is not `http(s)://host[:port]`.
    """
    parts = urlsplit(endpoint)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/") or parts.query:
        message = f"write it as https://host or https://host:port, not {endpoint!r}"
        raise ValueError(message)
    if virtual:
        return f"{parts.scheme}://{bucket}.{parts.netloc}"
    return f"{parts.scheme}://{parts.netloc}/{bucket}"


def origin_of(url: str) -> str:
    """Return `scheme://host[:port]`."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
