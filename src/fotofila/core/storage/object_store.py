"""Objects in a bucket of any store that obstore knows: S3 and its kin, Google Cloud Storage, Azure Blob Storage."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import obstore
from obstore.exceptions import BaseError, GenericError

from fotofila.core.storage.base import (
    CHUNK_BYTES,
    SMALL_BYTES,
    ObjectInfo,
    ObjectNotFoundError,
    demand_key,
    is_key,
    is_prefix,
    overwrite,
)
from fotofila.core.storage.object_writer import PART_BYTES, PARTIAL, PARTS_AT_ONCE, ObjectWriter, put_whole
from fotofila.core.storage.store_errors import is_past_end, store_errors

if TYPE_CHECKING:
    from obstore import GetOptions, GetResult
    from obstore.store import ObjectStore

    from fotofila.core.clock import Clock

FILE_CHUNK_BYTES = 4 * CHUNK_BYTES
STALE = timedelta(days=1)
DELETES_AT_ONCE = 16
CHECK_PREFIX = "control/readiness/"
"""Nothing lies here: listing it asks for the bucket, the address and the credentials, and for no object."""


class ObjectStorage:
    """A prefix of a bucket. One for each process: it holds the connections, which are used again."""

    def __init__(self, store: ObjectStore, *, address: str, deletes_in_bulk: bool, clock: Clock) -> None:
        self._store = store
        self._address = address
        self._deletes_in_bulk = deletes_in_bulk
        self._clock = clock

    def _errors(self, key: str) -> store_errors:
        return store_errors(self._address, key)

    @asynccontextmanager
    async def open_writer(self, key: str, *, if_absent: bool = False) -> AsyncIterator[ObjectWriter]:
        """Begin an object; it appears only with `commit`."""
        writer = ObjectWriter(self._store, demand_key(key), if_absent=if_absent)
        try:
            with self._errors(key):
                yield writer
        finally:
            await writer.abandon()

    async def put(self, key: str, content: bytes) -> None:
        """Write a small object in one go."""
        with self._errors(demand_key(key)):
            await put_whole(self._store, key, content)

    async def put_files(self, files: Mapping[str, Path | bytes]) -> None:
        """Write files' contents; a large one goes in parts."""
        for key, file in files.items():
            with self._errors(demand_key(key)):
                if isinstance(file, Path) and file.stat().st_size > SMALL_BYTES:
                    await obstore.put_async(
                        self._store, key, file, chunk_size=PART_BYTES, max_concurrency=PARTS_AT_ONCE, mode="overwrite"
                    )
                    continue
                await put_whole(self._store, key, file if isinstance(file, bytes) else file.read_bytes())

    async def get(self, key: str) -> bytes:
        """Read a small object whole."""
        with self._errors(demand_key(key)):
            result = await obstore.get_async(self._store, key)
            return bytes(await result.bytes_async())

    async def get_range(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Stream the bytes from `start` up to, not including, `end`."""
        demand_key(key)
        if end is not None and end <= start:
            await self.head(key)  # a missing object is told, a range of nothing is no question to a store
            return
        with self._errors(key):
            if (result := await self._open(key, start, end)) is None:
                return
            async for chunk in result.stream(min_chunk_size=CHUNK_BYTES):
                yield bytes(chunk)

    async def _open(self, key: str, start: int, end: int | None) -> GetResult | None:
        """Ask for a range; None where the object ends before it begins."""
        options: GetOptions = {}
        if end is not None:
            options = {"range": (start, end)}
        elif start:
            options = {"range": {"offset": start}}
        try:
            return await obstore.get_async(self._store, key, options=options)
        except GenericError as error:
            if is_past_end(error):
                return None
            raise

    async def get_file(self, key: str, path: Path) -> None:
        """Copy an object into a file."""
        with self._errors(demand_key(key)):
            result = await obstore.get_async(self._store, key)
            if result.meta["size"] <= SMALL_BYTES:
                overwrite(path, bytes(await result.bytes_async()))
                return
        file = await asyncio.to_thread(path.open, "wb")
        with file, self._errors(key):
            async for chunk in result.stream(min_chunk_size=FILE_CHUNK_BYTES):
                await asyncio.to_thread(file.write, chunk)

    async def head(self, key: str) -> ObjectInfo:
        """Look at an object without reading it."""
        with self._errors(demand_key(key)):
            return info(await obstore.head_async(self._store, key))

    async def exists(self, key: str) -> bool:
        """Say whether there is an object."""
        try:
            await self.head(key)
        except ObjectNotFoundError:
            return False
        return True

    async def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """Give every object whose key begins with the prefix.

        Stores list by whole folders, so what only begins like the prefix's last part is dropped here. Partial objects
        that nobody writes any more are removed on the way.
        """
        if not is_prefix(prefix):
            return
        with self._errors(prefix):
            async for page in obstore.list(self._store, prefix=prefix.rpartition("/")[0] or None):
                for meta in page:
                    key = meta["path"]
                    if key.startswith(prefix) and is_key(key):
                        yield info(meta)
                    elif key.rpartition("/")[2].startswith(PARTIAL):
                        await self._remove_stale(meta)

    async def _remove_stale(self, meta: Any) -> None:
        if self._clock.now() - meta["last_modified"] > STALE:
            with suppress(BaseError, OSError):
                await obstore.delete_async(self._store, meta["path"])

    async def delete(self, keys: Sequence[str]) -> None:
        """Remove objects: a thousand in one request where the store can, else some at once."""
        wanted = [demand_key(key) for key in keys]
        if not wanted:
            return
        with self._errors("delete"):
            if self._deletes_in_bulk:
                await obstore.delete_async(self._store, wanted)
                return
        free = asyncio.Semaphore(DELETES_AT_ONCE)
        async with asyncio.TaskGroup() as tasks:
            for key in wanted:
                tasks.create_task(self._delete_one(key, free))

    async def _delete_one(self, key: str, free: asyncio.Semaphore) -> None:
        async with free:
            with suppress(ObjectNotFoundError), self._errors(key):
                await obstore.delete_async(self._store, key)

    async def copy(self, source: str, target: str) -> None:
        """Copy an object inside the store."""
        with self._errors(demand_key(source)):
            await obstore.copy_async(self._store, source, demand_key(target))

    async def check(self) -> None:
        """Ask for nothing, so that a bucket that is not there or not ours is told."""
        async for _ in self.list(CHECK_PREFIX):
            break

    async def close(self) -> None:
        """Connections end with the process: they are the store's, which has no end of its own."""


def info(meta: Any) -> ObjectInfo:
    """Shape what a store tells; a list tells fractions of a second that a head does not."""
    modified_at = meta["last_modified"].replace(microsecond=0)
    return ObjectInfo(key=meta["path"], size_bytes=meta["size"], modified_at=modified_at)
