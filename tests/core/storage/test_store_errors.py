from __future__ import annotations

import errno

import pytest
from obstore.exceptions import AlreadyExistsError, GenericError, PermissionDeniedError

from fotofila.core.errors import FotofilaError, StorageFullError, UnavailableError
from fotofila.core.storage import ObjectExistsError, ObjectNotFoundError, StorageRefusedError
from fotofila.core.storage.base import BucketMissingError
from fotofila.core.storage.store_errors import store_errors


def answer(status: str, code: str = "") -> str:
    body = f"<Error><Code>{code}</Code></Error>" if code else ""
    return f"Error performing PUT http://h/b/k in 1ms - Server returned non-2xx status code: {status}: {body}"


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        (FileNotFoundError(answer("404 Not Found")), ObjectNotFoundError),
        (FileNotFoundError(answer("404 Not Found", "NoSuchKey")), ObjectNotFoundError),
        (FileNotFoundError(answer("404 Not Found", "NoSuchBucket")), BucketMissingError),
        (GenericError(answer("404 Not Found", "NoSuchBucket")), BucketMissingError),
        (FileNotFoundError(answer("404 Not Found", "ContainerNotFound")), BucketMissingError),
        (AlreadyExistsError(answer("412 Precondition Failed", "PreconditionFailed")), ObjectExistsError),
        (PermissionDeniedError(answer("403 Forbidden")), StorageRefusedError),
        (GenericError(answer("403 Forbidden", "SignatureDoesNotMatch")), StorageRefusedError),
        (PermissionDeniedError(answer("403 Forbidden", "QuotaExceeded")), StorageFullError),
        (GenericError(answer("507 Insufficient Storage", "XMinioStorageFull")), StorageFullError),
        (GenericError(answer("507 Insufficient Storage")), StorageFullError),
        (GenericError(answer("503 Service Unavailable", "SlowDown")), UnavailableError),
        (GenericError("Error performing GET in 5s, after 3 retries - HTTP error: error sending"), UnavailableError),
        (OSError(errno.ENOSPC, "No space left on device"), StorageFullError),
        (ConnectionResetError("reset"), UnavailableError),
    ],
)
def test_what_a_store_says_becomes_our_error(error: Exception, ours: type[FotofilaError]) -> None:
    with pytest.raises(FotofilaError) as told, store_errors("s3://bucket/in", "a/b"):
        raise error
    assert type(told.value) is ours


def test_disk_that_is_full_is_a_507() -> None:
    with pytest.raises(StorageFullError) as told, store_errors("s3://bucket/in", "a/b"):
        raise GenericError(answer("507 Insufficient Storage"))
    assert told.value.status == 507


@pytest.mark.parametrize(
    ("address", "named"),
    [
        ("s3://bucket", "FOTOFILA_STORAGE_SECRET_ACCESS_KEY"),
        ("gs://bucket", "GOOGLE_APPLICATION_CREDENTIALS"),
        ("az://container", "AZURE_STORAGE_ACCOUNT_KEY"),
    ],
)
def test_refusal_names_where_the_credentials_are(address: str, named: str) -> None:
    with pytest.raises(StorageRefusedError, match=named), store_errors(address, "a/b"):
        raise PermissionDeniedError(answer("403 Forbidden"))


def test_errors_of_ours_and_of_programming_pass_as_they_are() -> None:
    for error in (ObjectNotFoundError("x"), ValueError("x"), KeyError("x")):
        with pytest.raises(type(error)) as told, store_errors("s3://bucket", "a"):
            raise error
        assert told.value is error
