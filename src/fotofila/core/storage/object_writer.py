"""An object on its way into a bucket: one request where it is small, parts where it is large."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError

from fotofila.core.ids import new_id

if TYPE_CHECKING:
    from obstore import AsyncWritableFile
    from obstore.store import ObjectStore

PART_BYTES = 8 * 1024 * 1024
"""What is kept in memory at most before it goes; S3 wants parts of 5 MiB or more."""
PARTS_AT_ONCE = 2
PARTIAL = ".partial-"
"""Beginning of the last part of a name that is no object yet; no part of a key begins with a dot, so none can clash."""


class ObjectWriter:
    """Bytes are gathered; past `PART_BYTES` they go as parts of a multipart upload, which appears when it is closed.

    Not every store knows a condition on what closes a multipart upload, but each can copy to a name that must be free:
    a large object that must be new goes to a name beside its own and is copied, inside the store, when it is whole.
    """

    def __init__(self, store: ObjectStore, key: str, *, if_absent: bool) -> None:
        self._store = store
        self._key = key
        self._if_absent = if_absent
        self._gathered: list[bytes] = []
        self._size = 0
        self._parts: AsyncWritableFile | None = None
        self._target = beside(key) if if_absent else key

    async def write(self, chunk: bytes) -> None:
        """Add bytes."""
        if self._parts is not None:
            await self._parts.write(chunk)
            return
        self._gathered.append(chunk)
        self._size += len(chunk)
        if self._size > PART_BYTES:
            self._parts = obstore.open_writer_async(
                self._store, self._target, buffer_size=PART_BYTES, max_concurrency=PARTS_AT_ONCE
            )
            gathered, self._gathered = self._gathered, []
            for part in gathered:
                await self._parts.write(part)

    async def commit(self) -> None:
        """Make the object whole, durable and visible."""
        if self._parts is None:
            await put_whole(self._store, self._key, b"".join(self._gathered), if_absent=self._if_absent)
            return
        await self._parts.close()
        self._parts = None
        if self._if_absent:
            try:
                await obstore.copy_async(self._store, self._target, self._key, overwrite=False)
            finally:
                with suppress(BaseError, OSError):  # what stays is removed by a later listing
                    await obstore.delete_async(self._store, self._target)

    async def abandon(self) -> None:
        """Take back the parts that have gone."""
        if self._parts is not None:
            with suppress(BaseError, OSError, ValueError):
                await self._parts.__aexit__(RuntimeError, RuntimeError("abandoned"), None)
            self._parts = None


async def put_whole(store: ObjectStore, key: str, content: bytes, *, if_absent: bool = False) -> None:
    """Write an object in one request."""
    await obstore.put_async(store, key, content, use_multipart=False, mode="create" if if_absent else "overwrite")


def beside(key: str) -> str:
    """Return a name in the same folder that is no key."""
    folder, slash, _ = key.rpartition("/")
    return f"{folder}{slash}{PARTIAL}{new_id()}"
