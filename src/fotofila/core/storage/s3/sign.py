"""Requests to S3 that carry their permission in themselves (AWS Signature Version 4), signed by botocore.

Signing is arithmetic on this machine: nothing is asked over the network.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from botocore.auth import S3SigV4PostAuth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest

from fotofila.core.clock import Clock
from fotofila.core.storage.base import SignedRequest
from fotofila.core.storage.s3.credentials import Keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Signs for one bucket: `url` is the bucket's as clients reach it."""

    url: str
    region: str
    keys: Keys
    clock: Clock

    def get(self, name: str, *, seconds: int, answer: Mapping[str, str]) -> str:
        """Return a URL for GET; `answer` are headers that S3 is to answer with."""
        params = {f"response-{header}": value for header, value in answer.items()}
        request = AWSRequest(method="GET", url=f"{self.url}/{name}", params=params)
        S3SigV4QueryAuth(self.keys, "s3", self.region, expires=seconds).add_auth(request)
        return str(request.url)

    def put(self, name: str, *, seconds: int, size_bytes: int, checksum_sha256: str) -> SignedRequest:
        """Allow one PUT of a new object; size and checksum are signed, and S3 compares both."""
        headers = {
            "x-amz-checksum-sha256": b64encode(bytes.fromhex(checksum_sha256)).decode("ascii"),
            "if-none-match": "*",
        }
        signed = {**headers, "content-length": str(size_bytes)}  # every client sends this one by itself
        request = AWSRequest(method="PUT", url=f"{self.url}/{name}", headers=signed)
        S3SigV4QueryAuth(self.keys, "s3", self.region, expires=seconds).add_auth(request)
        return SignedRequest(method="PUT", url=str(request.url), headers=headers, expires_at=self._after(seconds))

    def post(self, bucket: str, name: str, *, seconds: int, max_bytes: int) -> SignedRequest:
        """Allow a POST of a form whose file has 1 to `max_bytes` bytes."""
        expires_at = self._after(seconds)
        request = AWSRequest(method="POST", url=self.url)
        request.context["s3-presign-post-fields"] = {"key": name}
        request.context["s3-presign-post-policy"] = {
            "expiration": expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "conditions": [{"bucket": bucket}, {"key": name}, ["content-length-range", 1, max_bytes]],
        }
        S3SigV4PostAuth(self.keys, "s3", self.region).add_auth(request)
        fields = request.context["s3-presign-post-fields"]
        return SignedRequest(method="POST", url=self.url, fields=fields, expires_at=expires_at)

    def _after(self, seconds: int) -> datetime:
        return self.clock.now().replace(microsecond=0) + timedelta(seconds=seconds)
