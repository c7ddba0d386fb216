"""What object stores say, in our words."""

from __future__ import annotations

import errno
import re

from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    PermissionDeniedError,
    UnauthenticatedError,
)

from fotofila.core.errors import FotofilaError, StorageFullError, UnavailableError
from fotofila.core.storage.base import BucketMissingError, ObjectExistsError, ObjectNotFoundError, StorageRefusedError

_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>(\w+)</Code>")
_CAUSE = re.compile(r"HTTP error: ([^\n]{1,80})")
CREDENTIALS = {
    "s3": "FOTOFILA_STORAGE_ACCESS_KEY_ID and FOTOFILA_STORAGE_SECRET_ACCESS_KEY, or what AWS's own chain finds",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}
NO_BUCKET = {"NoSuchBucket", "ContainerNotFound"}
FULL = {
    "InsufficientStorage",
    "QuotaExceeded",
    "StorageFull",
    "XMinioAdminBucketQuotaExceeded",
    "XMinioStorageFull",
}
FULL_STATUS, REFUSED_STATUS = "507", {"401", "403"}
PAST_END_STATUS = "416"


class store_errors:  # noqa: N801 - used as a word in a `with`
    """Turn the errors of a store at `address` (`s3://bucket/prefix`) into ours."""

    def __init__(self, address: str, key: str) -> None:
        self._address = address
        self._key = key

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """Translate."""
        if isinstance(error, (BaseError, OSError)):
            raise translate(error, self._address, self._key) from error


def translate(error: Exception, address: str, key: str) -> FotofilaError:
    """Return our error for one of the store's."""
    told = str(error).partition("Debug source")[0]
    status, code = found(_STATUS, told), found(_CODE, told)
    if is_full(error, status, code):
        return StorageFullError(f"No room in {address}, or here for a copy of {key}: make some, or raise the quota.")
    if code in NO_BUCKET:
        return BucketMissingError(f"FOTOFILA_STORAGE_URL: there is no bucket {address}: make it, or correct its name.")
    if isinstance(error, AlreadyExistsError):
        return ObjectExistsError(f"There is an object {key} already: it is kept.")
    if isinstance(error, (PermissionDeniedError, UnauthenticatedError)) or status in REFUSED_STATUS:
        return refused(address, code or status)
    if isinstance(error, FileNotFoundError):
        return ObjectNotFoundError(f"There is no object {key}: it was deleted, or never written.")
    reason = code or status or found(_CAUSE, told) or type(error).__name__
    return UnavailableError(
        f"The storage {address} does not answer as it should ({reason}): look at it, or at FOTOFILA_STORAGE_ENDPOINT."
    )


def is_full(error: Exception, status: str, code: str) -> bool:
    """Say whether there was no room, in the bucket or on our own disk."""
    here = isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}
    return here or code in FULL or status == FULL_STATUS


def refused(address: str, reason: str) -> StorageRefusedError:
    """Say which settings hold the credentials that are refused."""
    settings = CREDENTIALS.get(address.partition("://")[0], "the credentials")
    return StorageRefusedError(f"The storage {address} refuses us ({reason or 'no reason given'}): look at {settings}.")


def is_past_end(error: Exception) -> bool:
    """Say whether a range began where there is nothing any more."""
    return found(_STATUS, str(error)) == PAST_END_STATUS


def found(pattern: re.Pattern[str], told: str) -> str:
    """Return what a pattern finds, or nothing."""
    match = pattern.search(told)
    return match.group(1) if match else ""
