"""Settings → a storage in a bucket."""

from __future__ import annotations

import os
from datetime import timedelta
from importlib.metadata import version
from typing import TYPE_CHECKING

from obstore.exceptions import BaseError
from obstore.store import AzureStore, GCSStore

from fotofila.core.clock import SystemClock
from fotofila.core.config import Settings, SettingsError
from fotofila.core.storage.address import BucketAddress, parse_address
from fotofila.core.storage.base import Storage
from fotofila.core.storage.object_store import ObjectStorage
from fotofila.core.storage.s3.addressing import bucket_url
from fotofila.core.storage.s3.credentials import Credentials, chain_credentials, fixed_credentials, region_of_chain
from fotofila.core.storage.s3.storage import S3Options, S3Storage, SigningS3Storage

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

CONNECT_SECONDS = 5
REQUEST_SECONDS = 600
"""Longest answer, with all of its body, on however slow a line; silence ends one much earlier."""
RETRIES = 3
THREADS = "TOKIO_WORKER_THREADS"
"""Threads of obstore's own, one for each CPU unless told: they wake each other up for every request."""


def open_bucket(settings: Settings) -> Storage:
    """Open the bucket that `FOTOFILA_STORAGE_URL` names; nothing is asked of it yet.

    Raises:
        SettingsError: a setting is wrong; the sentence names it.
    """
    os.environ.setdefault(THREADS, "1")  # one can do far more than the one thread that asks it
    try:
        address = parse_address(settings.storage_url)
    except ValueError as error:
        raise SettingsError(f"FOTOFILA_STORAGE_URL: {error}.") from error
    try:
        return open_s3(settings, address) if address.scheme == "s3" else open_other(settings, address)
    except BaseError as error:
        told = str(error).partition("\n")[0]
        raise SettingsError(f"FOTOFILA_STORAGE_URL: {address} cannot be opened: {told}.") from error


def open_other(settings: Settings, address: BucketAddress) -> Storage:
    """Open a bucket of Google's or a container of Azure's; credentials come from the platform's own chain."""
    store_type = GCSStore if address.scheme == "gs" else AzureStore
    store = store_type(
        address.bucket, prefix=address.prefix or None, client_options=client(settings), retry_config=retry(settings)
    )
    return ObjectStorage(store, address=str(address), deletes_in_bulk=False, clock=SystemClock())


def open_s3(settings: Settings, address: BucketAddress) -> Storage:
    """Open a bucket of S3's or its kin; without links to hand out, it is one that only we reach.

    Raises:
        SettingsError: one of the keys is missing, or an endpoint is no endpoint.
    """
    for name in ("storage_endpoint", "storage_public_endpoint"):
        check_endpoint(name, getattr(settings, name))
    options = S3Options(
        address=address,
        region=settings.storage_region or region_of_chain(),
        credentials=s3_credentials(settings),
        endpoint=settings.storage_endpoint,
        public_endpoint=settings.storage_public_endpoint,
        addressing=settings.storage_addressing,
        create_bucket=settings.storage_create_bucket,
    )
    storage_type = SigningS3Storage if settings.storage_link_seconds else S3Storage
    return storage_type(options, client=client(settings), retry=retry(settings))


def check_endpoint(name: str, endpoint: str) -> None:
    """Refuse what is no `http(s)://host[:port]`."""
    try:
        if endpoint:
            bucket_url(endpoint, "bucket", virtual=False)
    except ValueError as error:
        raise SettingsError(f"FOTOFILA_{name.upper()}: {error}.") from error


def s3_credentials(settings: Settings) -> Credentials:
    """Return the pair of the settings, or AWS's own chain."""
    key_id = settings.storage_access_key_id.get_secret_value()
    secret = settings.storage_secret_access_key.get_secret_value()
    if bool(key_id) != bool(secret):
        missing = "SECRET_ACCESS_KEY" if key_id else "ACCESS_KEY_ID"
        raise SettingsError(f"FOTOFILA_STORAGE_{missing}: set both keys or neither.")
    return fixed_credentials(key_id, secret) if key_id else chain_credentials()


def client(settings: Settings) -> ClientConfig:
    """Say how long to wait for a server."""
    return {
        "connect_timeout": timedelta(seconds=min(CONNECT_SECONDS, settings.storage_timeout_seconds)),
        "read_timeout": timedelta(seconds=settings.storage_timeout_seconds),
        "timeout": timedelta(seconds=REQUEST_SECONDS),
        "user_agent": f"fotofila/{version('fotofila')}",
    }


def retry(settings: Settings) -> RetryConfig:
    """Say how often to ask again, within the time that a request waits for us."""
    return {"max_retries": RETRIES, "retry_timeout": timedelta(seconds=settings.storage_timeout_seconds)}
