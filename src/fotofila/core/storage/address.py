"""Where a bucket is: `s3://bucket/prefix`, `gs://bucket/prefix`, `az://container/prefix`."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from fotofila.core.storage.base import demand_key


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketAddress:
    """A bucket, and the prefix that all our keys lie under; an empty prefix is the whole bucket."""

    scheme: str
    bucket: str
    prefix: str = ""

    def __str__(self) -> str:
        return f"{self.scheme}://{self.bucket}" + (f"/{self.prefix}" if self.prefix else "")


def parse_address(url: str) -> BucketAddress:
    """Read an address.

    Raises:
        ValueError: no bucket is named, or there is more in the URL than a bucket and a prefix of plain names.
    """
    parts = urlsplit(url)
    prefix = parts.path.strip("/")
    if not parts.netloc or "@" in parts.netloc or ":" in parts.netloc or parts.query or parts.fragment:
        message = f"write it as {parts.scheme}://bucket/prefix, no more: keys and endpoint have settings of their own"
        raise ValueError(message)
    return BucketAddress(scheme=parts.scheme, bucket=parts.netloc, prefix=demand_key(prefix) if prefix else "")
