"""The storage port: objects under keys, streamed both ways.

Guarantees, each a test in `fotofila.testing.storage_conformance`:

1. When a `Writer` is committed, the object is whole and durable (fsynced, file and folder, or acknowledged by S3).
2. A `Writer` that is left without `commit` leaves nothing behind that can be read.
3. A conditional put (`if_absent`) never replaces an object: its `commit` is an `ObjectExistsError`.
4. `get_range` gives exactly the bytes asked for; a missing object is an `ObjectNotFoundError` before the first byte.
5. `list` gives every key once, in order inside each folder, with size and time; `delete` of what is not there does no
   harm.
6. No key, however it is made, reaches outside the root.

A storage that can sign (`SigningStorage`; ask with `isinstance`) hands out requests that anyone may make without
credentials:

7. A signed request works with any HTTP client until it expires, for its key, method, size and checksum and no other.
8. A signed PUT makes an object and never replaces one. A signed POST can be made again until it expires: give it a key
   of its own and copy away what was verified.

Where a storage cannot sign, the API carries the bytes itself.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from fotofila.core.errors import ConflictError, NotFoundError, UnavailableError

CHUNK_BYTES = 1024 * 1024
SMALL_BYTES = CHUNK_BYTES
"""What is read from and written to files of this machine at once: that is quicker than to ask a thread for it."""

_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}")
"""One part of a key, between slashes: what is a plain name for every file system, bucket and URL."""


class ObjectNotFoundError(NotFoundError):
    """There is no object under this key."""

    code = "object_not_found"


class ObjectExistsError(ConflictError):
    """There is an object under this key already."""

    code = "object_exists"


class StorageRefusedError(UnavailableError):
    """The storage is there and will have nothing to do with us: it refuses our credentials, or a setting is wrong."""

    code = "storage_refused"
    title = "The storage refuses us"


class BucketMissingError(StorageRefusedError):
    """The storage has no such bucket."""

    code = "bucket_missing"
    title = "No such bucket"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectInfo:
    """What is known of an object without reading it."""

    key: str
    size_bytes: int
    modified_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRequest:
    """An upload that anyone who has it may make until it expires, without credentials."""

    method: Literal["PUT", "POST"]
    url: str
    expires_at: datetime
    headers: Mapping[str, str] = field(default_factory=dict)
    """PUT: headers to send exactly so; the body is the object."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """POST: fields of the multipart form, before its last part, `file`, which is the object."""


class Writer(Protocol):
    """An object that is being written."""

    async def write(self, chunk: bytes) -> None:
        """Add bytes."""
        ...

    async def commit(self) -> None:
        """Make the object whole, durable and visible."""
        ...


class Storage(Protocol):
    """A place for objects."""

    def open_writer(self, key: str, *, if_absent: bool = False) -> AbstractAsyncContextManager[Writer]:
        """Begin an object; it appears only with `commit`."""
        ...

    async def put(self, key: str, content: bytes) -> None:
        """Write a small object in one go."""
        ...

    async def put_files(self, files: Mapping[str, Path | bytes]) -> None:
        """Write the contents of files, or bytes, by key; a file may be moved away.

        After an error some may have been written.
        """
        ...

    async def get(self, key: str) -> bytes:
        """Read a small object whole."""
        ...

    def get_range(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Stream the bytes from `start` up to, not including, `end`."""
        ...

    async def get_file(self, key: str, path: Path) -> None:
        """Copy an object into a file; one that is there already is overwritten."""
        ...

    async def head(self, key: str) -> ObjectInfo:
        """Look at an object without reading it."""
        ...

    async def exists(self, key: str) -> bool:
        """Say whether there is an object."""
        ...

    def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """Give every object whose key begins with the prefix."""
        ...

    async def delete(self, keys: Sequence[str]) -> None:
        """Remove objects; those that are not there count as removed."""
        ...

    async def copy(self, source: str, target: str) -> None:
        """Copy an object."""
        ...

    async def check(self) -> None:
        """Demand that this storage can be used now.

        Raises:
            StorageRefusedError: a setting is wrong; the sentence names it.
            UnavailableError: it does not answer.
        """
        ...

    async def close(self) -> None:
        """Let go of every connection."""
        ...


@runtime_checkable
class SigningStorage(Storage, Protocol):
    """A storage that browsers and other clients can reach by themselves."""

    @property
    def origin(self) -> str:
        """Where signed requests go, as `https://host[:port]`."""
        ...

    async def sign_get(self, key: str, *, seconds: int, media_type: str, disposition: str) -> str:
        """Return a URL that answers GET with the object, under this `Content-Type` and `Content-Disposition`.

        Whether there is an object is not looked at.
        """
        ...

    async def sign_put(self, key: str, *, seconds: int, size_bytes: int, checksum_sha256: str) -> SignedRequest:
        """Allow one PUT of a new object of exactly this size and SHA-256 (64 hex digits)."""
        ...

    async def sign_post(self, key: str, *, seconds: int, max_bytes: int) -> SignedRequest:
        """Allow a POST of an object of 1 to `max_bytes` bytes; a larger one is refused by the storage."""
        ...


def overwrite(path: Path, content: bytes) -> None:
    """Write a file; the blocks of one that is there are used again, for new ones cost more than the writing."""
    with open(path, "wb", buffering=0, opener=lambda name, _: os.open(name, os.O_WRONLY | os.O_CREAT, 0o600)) as file:
        view = memoryview(content)
        while view:
            view = view[file.write(view) :]
        file.truncate()


def is_key(text: str) -> bool:
    """Say whether a text is a key: no part is empty, begins with a dot, or has a character outside `A-Za-z0-9_.-`."""
    return all(_PART.fullmatch(part) for part in text.split("/"))


def demand_key(key: str) -> str:
    """Return a key that is one, else raise a ValueError."""
    if not is_key(key):
        message = f"not a storage key: {key!r}"
        raise ValueError(message)
    return key


def is_prefix(prefix: str) -> bool:
    """Say whether a key could begin so."""
    *parts, last = prefix.split("/")
    return all(_PART.fullmatch(part) for part in parts) and (not last or _PART.fullmatch(last) is not None)
