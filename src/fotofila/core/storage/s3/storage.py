"""S3 and its kin (AWS, Cloudflare R2, MinIO, SeaweedFS): objects through obstore, signatures by botocore."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING

from obstore.store import S3Store

from fotofila.core.clock import Clock, SystemClock
from fotofila.core.storage.address import BucketAddress
from fotofila.core.storage.base import BucketMissingError, SignedRequest, demand_key
from fotofila.core.storage.object_store import ObjectStorage
from fotofila.core.storage.s3.addressing import Addressing, aws_endpoint, bucket_url, is_virtual, origin_of
from fotofila.core.storage.s3.credentials import Credentials, for_obstore

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

    from fotofila.core.storage.s3.sign import Signer

CACHE_CONTROL = "private, max-age=3600"


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Options:
    """How a bucket is reached. `public_endpoint` is the endpoint as browsers reach it; empty: the same."""

    address: BucketAddress
    region: str
    credentials: Credentials
    endpoint: str = ""
    public_endpoint: str = ""
    addressing: Addressing = "auto"
    create_bucket: bool = False
    clock: Clock = field(default_factory=SystemClock)

    @property
    def virtual(self) -> bool:
        """Whether the bucket is part of the host name."""
        return is_virtual(self.addressing, endpoint=self.endpoint, bucket=self.address.bucket)

    @property
    def own_endpoint(self) -> str:
        """The endpoint that we use."""
        return self.endpoint or aws_endpoint(self.region)

    def url(self, endpoint: str) -> str:
        """Return the bucket's URL at an endpoint."""
        return bucket_url(endpoint, self.address.bucket, virtual=self.virtual)


class S3Storage(ObjectStorage):
    """A prefix of a bucket that only we reach: the API carries the bytes."""

    def __init__(self, options: S3Options, *, client: ClientConfig, retry: RetryConfig) -> None:
        url = options.url(options.own_endpoint)
        store = S3Store(
            options.address.bucket,
            prefix=options.address.prefix or None,
            endpoint=url if options.virtual else options.own_endpoint.rstrip("/"),
            region=options.region,
            virtual_hosted_style_request=options.virtual,
            copy_if_not_exists="multipart",
            credential_provider=for_obstore(options.credentials, options.clock),
            client_options={**client, "allow_http": url.startswith("http:")},
            retry_config=retry,
        )
        super().__init__(store, address=str(options.address), deletes_in_bulk=True, clock=options.clock)
        self._options = options

    async def check(self) -> None:
        """Ask for nothing; make a bucket that is not there where the settings say so."""
        try:
            await super().check()
        except BucketMissingError:
            if not self._options.create_bucket:
                raise
            from fotofila.core.storage.s3.bucket import make_bucket  # noqa: PLC0415 - aiobotocore is large

            await make_bucket(
                self._options.address.bucket,
                url=self._options.own_endpoint,
                region=self._options.region,
                keys=await self._options.credentials(),
            )
            await super().check()


class SigningS3Storage(S3Storage):
    """A prefix of a bucket that clients reach too, with requests that we have signed."""

    def __init__(self, options: S3Options, *, client: ClientConfig, retry: RetryConfig) -> None:
        super().__init__(options, client=client, retry=retry)
        self._url = options.url(options.public_endpoint or options.own_endpoint)
        self._make_signer: type[Signer] | None = None

    @property
    def origin(self) -> str:
        """Where signed requests go."""
        return origin_of(self._url)

    async def sign_get(self, key: str, *, seconds: int, media_type: str, disposition: str) -> str:
        """Return a URL that answers GET with the object."""
        answer = {"content-type": media_type, "content-disposition": disposition, "cache-control": CACHE_CONTROL}
        return (await self._signer()).get(self._name(key), seconds=seconds, answer=answer)

    async def sign_put(self, key: str, *, seconds: int, size_bytes: int, checksum_sha256: str) -> SignedRequest:
        """Allow one PUT of a new object of exactly this size and checksum."""
        signer = await self._signer()
        return signer.put(self._name(key), seconds=seconds, size_bytes=size_bytes, checksum_sha256=checksum_sha256)

    async def sign_post(self, key: str, *, seconds: int, max_bytes: int) -> SignedRequest:
        """Allow a POST of an object of 1 to `max_bytes` bytes."""
        signer, bucket = await self._signer(), self._options.address.bucket
        return signer.post(bucket, self._name(key), seconds=seconds, max_bytes=max_bytes)

    def _name(self, key: str) -> str:
        prefix = self._options.address.prefix
        return f"{prefix}/{demand_key(key)}" if prefix else demand_key(key)

    async def _signer(self) -> Signer:
        if self._make_signer is None:
            # botocore takes a tenth of a second to load, and workers never sign.
            module = await asyncio.to_thread(import_module, "fotofila.core.storage.s3.sign")
            self._make_signer = module.Signer
        return self._make_signer(
            url=self._url,
            region=self._options.region,
            keys=await self._options.credentials(),
            clock=self._options.clock,
        )
