"""Objects in a folder of this machine.

Written for itself rather than on a general object store, because those do not call fsync: an answered upload would be
lost with the power.
"""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from stat import S_ISREG

from fotofila.core.errors import StorageFullError, UnavailableError
from fotofila.core.lanes import Lane
from fotofila.core.storage.base import (
    CHUNK_BYTES,
    SMALL_BYTES,
    ObjectExistsError,
    ObjectInfo,
    ObjectNotFoundError,
    demand_key,
    is_prefix,
    overwrite,
)
from fotofila.core.storage.durable import (
    PARTIAL,
    Partial,
    begin_partial,
    folder_of,
    fsync,
    move,
    place,
    put,
    remove,
    settling,
)

STALE_SECONDS = 86400
THREADS = min(32, (os.cpu_count() or 1) + 4)
"""That write files: a disk that is slow to sync does several at once."""


@cache
def writers() -> Lane:
    """Return the threads that write files, for all storages of this process."""
    return Lane("files", threads=THREADS)


class LocalWriter:
    """A temporary file on its way to a key.

    What was written last is held back, so that an object of one chunk is begun, written and committed in one visit to
    a thread: those visits cost more than the file.
    """

    def __init__(self, target: str, root: str, *, if_absent: bool) -> None:
        self._target = target
        self._root = root
        self._if_absent = if_absent
        self._held = b""
        self._turn = threading.Lock()
        """A visit goes on after its caller was cancelled: another that closes its file waits for it."""
        self._partial: Partial | None = None
        self._visited = False
        self._abandoned = False
        self.committed = False

    async def write(self, chunk: bytes) -> None:
        """Add bytes."""
        held, self._held = self._held, chunk
        if held:
            await self._visit(lambda: self._append(held))

    async def commit(self) -> None:
        """Make the object whole, durable and visible."""
        await self._visit(self._commit)

    async def abandon(self) -> None:
        """Close and remove the temporary file, if one was begun, or is about to be."""
        self._abandoned = True
        if self._visited:
            await self._visit(self._remove)

    async def _visit(self, work: Callable[[], object]) -> None:
        def in_turn() -> None:
            with self._turn:
                work()

        self._visited = True
        await writers().run(in_turn)

    def _append(self, chunk: bytes) -> None:
        if self._abandoned:
            return
        if self._partial is None:
            with settling([]) as grown:
                self._partial = begin_partial(folder_of(self._target), self._root, Partial, grown)
        self._partial.write(chunk)

    def _commit(self) -> None:
        self._append(self._held)
        if self._partial is None or self._abandoned:
            return
        self._partial.settle()
        place(self._partial.path, self._target, if_absent=self._if_absent)
        fsync(folder_of(self._target))
        self.committed = True

    def _remove(self) -> None:
        if self._partial is not None:
            self._partial.remove()


class LocalStorage:
    """A folder of objects."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._base = str(root)
        root.mkdir(parents=True, exist_ok=True)

    def path(self, key: str) -> Path:
        """Return the file of a key; a ValueError where it is none."""
        return Path(self._file(key))

    def _file(self, key: str) -> str:
        return f"{self._base}/{demand_key(key)}"

    @asynccontextmanager
    async def open_writer(self, key: str, *, if_absent: bool = False) -> AsyncIterator[LocalWriter]:
        """Begin an object; it appears only with `commit`."""
        writer = LocalWriter(self._file(key), self._base, if_absent=if_absent)
        try:
            with os_errors(key):
                yield writer
        finally:
            if not writer.committed:
                await writer.abandon()

    async def put(self, key: str, content: bytes) -> None:
        """Write a small object in one go."""
        async with self.open_writer(key) as writer:
            await writer.write(content)
            await writer.commit()

    async def put_files(self, files: Mapping[str, Path | bytes]) -> None:
        """Move files to their keys when they lie on the same disk, else copy them; a folder is fsynced once."""
        targets = [(self._file(key), file) for key, file in files.items()]

        def work() -> None:
            with settling([]) as folders:
                for target, file in targets:
                    self._place(file, target, folders)
                    folders.append(folder_of(target))

        with os_errors(next(iter(files), "")):
            await writers().run(work)

    def _place(self, file: Path | bytes, target: str, grown: list[str]) -> None:
        def begin(partial: str) -> str:
            return move(file, partial) if isinstance(file, Path) else put(file, partial)

        partial = begin_partial(folder_of(target), self._base, begin, grown)
        try:
            place(partial, target, if_absent=False)
        except OSError:
            remove(partial)
            raise

    async def get(self, key: str) -> bytes:
        """Read a small object whole."""
        with os_errors(key):
            return await asyncio.to_thread(self.path(key).read_bytes)

    async def get_range(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Stream the bytes from `start` up to, not including, `end`."""
        with os_errors(key):
            file = await asyncio.to_thread(self.path(key).open, "rb")
        with file:
            file.seek(start)
            left = None if end is None else end - start
            while left is None or left > 0:
                size = CHUNK_BYTES if left is None else min(CHUNK_BYTES, left)
                chunk = await asyncio.to_thread(file.read, size)
                if not chunk:
                    return
                left = None if left is None else left - len(chunk)
                yield chunk

    async def get_file(self, key: str, path: Path) -> None:
        """Copy an object into a file: a copy, not a link, so that nothing a child does can reach the original."""
        source = self.path(key)
        with os_errors(key):
            if source.stat().st_size <= SMALL_BYTES:
                overwrite(path, source.read_bytes())
            else:
                await asyncio.to_thread(shutil.copyfile, source, path)

    async def head(self, key: str) -> ObjectInfo:
        """Look at an object without reading it."""
        with os_errors(key):
            stat = await asyncio.to_thread(self.path(key).stat)
            if not S_ISREG(stat.st_mode):
                raise IsADirectoryError
            return info(key, stat)

    async def exists(self, key: str) -> bool:
        """Say whether there is an object."""
        return self.path(key).is_file()

    async def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """Give every object whose key begins with the prefix, in order of keys."""
        if not is_prefix(prefix):
            return  # no key begins so, and the folder of `../` is not ours
        folder = self._root.joinpath(*prefix.split("/")[:-1])
        for key, stat in await asyncio.to_thread(lambda: list(walk(folder, self._root))):
            if key.startswith(prefix):
                yield info(key, stat)

    async def delete(self, keys: Sequence[str]) -> None:
        """Remove objects, and the folders that they leave empty."""

        def work() -> None:
            for key in keys:
                path = self.path(key)
                if path.is_dir():
                    continue  # the prefix of other keys
                with suppress(NotADirectoryError):
                    path.unlink(missing_ok=True)
                for folder in path.parents:
                    if folder == self._root:
                        break
                    try:
                        folder.rmdir()
                    except OSError:
                        break

        with os_errors("delete"):
            await asyncio.to_thread(work)

    async def copy(self, source: str, target: str) -> None:
        """Copy an object."""
        async with self.open_writer(target) as writer:
            async for chunk in self.get_range(source):
                await writer.write(chunk)
            await writer.commit()

    async def check(self) -> None:
        """Look whether the folder is there and can be written to."""
        if not await asyncio.to_thread(os.access, self._root, os.R_OK | os.W_OK | os.X_OK):
            message = "The objects folder cannot be written to: look at its disk and permissions."
            raise UnavailableError(message)

    async def close(self) -> None:
        """Nothing is held open."""


def walk(folder: Path, root: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Give keys and stats in order; temporary files that nobody writes any more are removed on the way."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name + ("/" if entry.is_dir() else ""))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from walk(Path(entry.path), root)
            continue
        with suppress(FileNotFoundError):
            stat = entry.stat(follow_symlinks=False)
            if entry.name.startswith(PARTIAL):
                if time.time() - stat.st_mtime > STALE_SECONDS:
                    Path(entry.path).unlink(missing_ok=True)
                continue
            yield Path(entry.path).relative_to(root).as_posix(), stat


def info(key: str, stat: os.stat_result) -> ObjectInfo:
    """Shape a stat."""
    return ObjectInfo(key=key, size_bytes=stat.st_size, modified_at=datetime.fromtimestamp(stat.st_mtime, UTC))


class os_errors:  # noqa: N801 - used as a word in a `with`
    """Turn the operating system's errors into ours."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """Translate."""
        if isinstance(error, FileExistsError):
            raise ObjectExistsError(f"There is an object {self._key} already: it is kept.") from error
        if isinstance(error, (FileNotFoundError, IsADirectoryError, NotADirectoryError)):
            message = f"There is no object {self._key}: it was deleted, or never written."
            raise ObjectNotFoundError(message) from error
        if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            message = "The disk of the objects folder is full: free some space, or set FOTOFILA_STORAGE_URL elsewhere."
            raise StorageFullError(message) from error
        if isinstance(error, OSError):
            message = f"The objects folder does not answer ({error.strerror}): look at its disk and permissions."
            raise UnavailableError(message) from error
