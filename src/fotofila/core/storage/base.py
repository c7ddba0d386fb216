"""The storage port: objects under keys, streamed both ways.

Guarantees, each a test in `fotofila.testing.storage_conformance`:

1. When a `Writer` is committed, the object is whole and durable (fsynced, file and folder, or acknowledged by S3).
2. A `Writer` that is left without `commit` leaves nothing behind that can be read.
3. A conditional put (`if_absent`) never replaces an object: its `commit` is an `ObjectExistsError`.
4. `get_range` gives exactly the bytes asked for; a missing object is an `ObjectNotFoundError` before the first byte.
5. `list` gives keys in order, with size and time; `delete` of what is not there does no harm.
6. No key, however it is made, reaches outside the root.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from fotofila.core.errors import ConflictError, NotFoundError

CHUNK_BYTES = 1024 * 1024


class ObjectNotFoundError(NotFoundError):
    """There is no object under this key."""

    code = "object_not_found"


class ObjectExistsError(ConflictError):
    """There is an object under this key already."""

    code = "object_exists"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectInfo:
    """What is known of an object without reading it."""

    key: str
    size_bytes: int
    modified_at: datetime


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

    async def put_file(self, key: str, path: Path) -> None:
        """Write a file's content; the file may be moved away."""
        ...

    async def get(self, key: str) -> bytes:
        """Read a small object whole."""
        ...

    def get_range(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Stream the bytes from `start` up to, not including, `end`."""
        ...

    async def get_file(self, key: str, path: Path) -> None:
        """Copy an object into a file."""
        ...

    async def head(self, key: str) -> ObjectInfo:
        """Look at an object without reading it."""
        ...

    async def exists(self, key: str) -> bool:
        """Say whether there is an object."""
        ...

    def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """Give every object whose key begins with the prefix, in order of keys."""
        ...

    async def delete(self, keys: Sequence[str]) -> None:
        """Remove objects; those that are not there count as removed."""
        ...

    async def copy(self, source: str, target: str) -> None:
        """Copy an object."""
        ...

    async def close(self) -> None:
        """Let go of every connection."""
        ...
