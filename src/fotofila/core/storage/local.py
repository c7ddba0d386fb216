"""Objects in a folder of this machine.

Written for itself rather than on a general object store, because those do not call fsync: an answered upload would be
lost with the power. An object is written to a temporary file beside its place, fsynced, renamed, and its folder
fsynced. So are folders that had to be made, whatever becomes of the object: another may lie in them by then.
"""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from io import BufferedWriter
from pathlib import Path
from stat import S_ISREG
from typing import TypeVar

from fotofila.core.errors import StorageFullError, UnavailableError
from fotofila.core.ids import new_id
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

PARTIAL = ".partial-"
"""Prefix of a file that is not an object yet; no key part begins with a dot, so none can clash."""
STALE_SECONDS = 86400
BEGIN_TRIES = 100
"""A folder that was found empty and removed beside us is made again, so often at most."""

T = TypeVar("T")


class LocalWriter:
    """A temporary file on its way to a key.

    What was written last is held back, so that an object of one chunk is begun, written and committed in one visit to
    a thread: those visits cost more than the file.
    """

    def __init__(self, target: Path, root: Path, *, if_absent: bool) -> None:
        self._target = target
        self._root = root
        self._if_absent = if_absent
        self._held = b""
        self._file: BufferedWriter | None = None
        self.committed = False

    async def write(self, chunk: bytes) -> None:
        """Add bytes."""
        held, self._held = self._held, chunk
        if held:
            await asyncio.to_thread(self._append, held)

    def _append(self, chunk: bytes) -> BufferedWriter:
        if self._file is None:
            with settling([]) as grown:
                folder = self._target.parent
                self._file = begin_partial(folder, self._root, lambda partial: partial.open("xb"), grown)
        self._file.write(chunk)
        return self._file

    async def commit(self) -> None:
        """Make the object whole, durable and visible."""
        await asyncio.to_thread(self._commit)

    def _commit(self) -> None:
        file = self._append(self._held)
        file.flush()
        os.fsync(file.fileno())
        file.close()
        place(Path(file.name), self._target, if_absent=self._if_absent)
        fsync(self._target.parent)
        self.committed = True

    async def abandon(self) -> None:
        """Close and remove the temporary file, if one was begun."""
        if self._file is not None:
            await asyncio.to_thread(self._remove, self._file)

    def _remove(self, file: BufferedWriter) -> None:
        with suppress(OSError):
            file.close()
        Path(file.name).unlink(missing_ok=True)


class LocalStorage:
    """A folder of objects."""

    def __init__(self, root: Path) -> None:
        self._root = root
        root.mkdir(parents=True, exist_ok=True)

    def path(self, key: str) -> Path:
        """Return the file of a key; a ValueError where it is none."""
        return self._root.joinpath(*demand_key(key).split("/"))

    @asynccontextmanager
    async def open_writer(self, key: str, *, if_absent: bool = False) -> AsyncIterator[LocalWriter]:
        """Begin an object; it appears only with `commit`."""
        writer = LocalWriter(self.path(key), self._root, if_absent=if_absent)
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
        targets = {self.path(key): file for key, file in files.items()}

        def work() -> None:
            with settling([]) as folders:
                for target, file in targets.items():
                    self._place(file, target, folders)
                    folders.append(target.parent)

        with os_errors(next(iter(files), "")):
            await asyncio.to_thread(work)

    def _place(self, file: Path | bytes, target: Path, grown: list[Path]) -> None:
        def begin(partial: Path) -> Path:
            return move(file, partial) if isinstance(file, Path) else write(file, partial)

        partial = begin_partial(target.parent, self._root, begin, grown)
        try:
            place(partial, target, if_absent=False)
        finally:
            partial.unlink(missing_ok=True)

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


def begin_partial(folder: Path, root: Path, begin: Callable[[Path], T], grown: list[Path]) -> T:
    """Begin a temporary file in a folder, which is made where there is none yet; the folders that grew are added.

    Once there is a file in it, no delete beside us removes the folder.
    """
    for _ in range(BEGIN_TRIES):
        with suppress(FileNotFoundError):
            return begin(folder / f"{PARTIAL}{new_id()}")
        with suppress(FileNotFoundError):
            make_folder(folder, root, grown)
    make_folder(folder, root, grown)
    return begin(folder / f"{PARTIAL}{new_id()}")


def move(source: Path, partial: Path) -> Path:
    """Move a file, or copy it from another disk, and write it through."""
    try:
        source.rename(partial)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with removed_on_error(partial):
            shutil.copyfile(source, partial)
    with removed_on_error(partial):
        fsync(partial)
    return partial


def write(content: bytes, partial: Path) -> Path:
    """Write a file through."""
    with removed_on_error(partial), partial.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return partial


@contextmanager
def removed_on_error(partial: Path) -> Iterator[None]:
    """Leave nothing of a temporary file that could not be written."""
    try:
        yield
    except OSError:
        partial.unlink(missing_ok=True)
        raise


def make_folder(folder: Path, root: Path, grown: list[Path]) -> None:
    """Make a folder below the root; those that have a name more afterwards are added."""
    missing = [path for path in (folder, *folder.parents) if root in path.parents and not path.is_dir()]
    for path in reversed(missing):
        try:
            path.mkdir(parents=True, exist_ok=True)
        except FileExistsError:
            if path.is_file():
                raise
            # else it was there a moment ago, and a delete beside us has removed it since
        grown.append(path.parent)


def place(partial: Path, target: Path, *, if_absent: bool) -> None:
    """Rename a file that is whole to its place."""
    if if_absent:
        os.link(partial, target)
        partial.unlink(missing_ok=True)
    else:
        partial.replace(target)


@contextmanager
def settling(folders: list[Path]) -> Iterator[list[Path]]:
    """Make the names in folders durable, each folder once, also where the block fails.

    At its end, because what a journal has written with a file costs nothing any more.
    """
    try:
        yield folders
    finally:
        for folder in dict.fromkeys(folders):
            with suppress(FileNotFoundError):  # a delete beside us has removed it, empty
                fsync(folder)


def fsync(path: Path) -> None:
    """Write a file, or a folder's list of names, through to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


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
