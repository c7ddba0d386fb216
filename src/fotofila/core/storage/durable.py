"""Files that are there whole and durable, or not at all.

A file is written under a temporary name beside its place, fsynced, renamed, and its folder fsynced. So are folders that
had to be made, whatever becomes of the file: another may lie in them by then. All of it by the calls of the system
alone, with paths as strings: what `open` and `pathlib` do beside them took longer than the calls, and at each call a
thread hands the interpreter to another.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from fotofila.core.ids import new_id

PARTIAL = ".partial-"
"""Prefix of a file that is not an object yet; no key part begins with a dot, so none can clash."""
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
BEGIN_TRIES = 100
"""A folder that was found empty and removed beside us is made again, so often at most."""

T = TypeVar("T")


class Partial:
    """A temporary file that is being written."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._handle = os.open(path, NEW, 0o666)
        self._open = True

    def write(self, chunk: bytes) -> None:
        """Add bytes."""
        view = memoryview(chunk)
        while view:
            view = view[os.write(self._handle, view) :]

    def settle(self) -> None:
        """Write it through, and close it."""
        os.fsync(self._handle)
        self._close()

    def _close(self) -> None:
        if self._open:
            self._open = False
            os.close(self._handle)

    def remove(self) -> None:
        """Leave nothing of it, wherever it was broken off."""
        with suppress(OSError):
            self._close()
        remove(self.path)


def begin_partial(folder: str, root: str, begin: Callable[[str], T], grown: list[str]) -> T:
    """Begin a temporary file in a folder, which is made where there is none yet; the folders that grew are added.

    Once there is a file in it, no delete beside us removes the folder.
    """
    for _ in range(BEGIN_TRIES):
        with suppress(FileNotFoundError):
            return begin(f"{folder}/{PARTIAL}{new_id()}")
        with suppress(FileNotFoundError):
            make_folder(folder, root, grown)
    make_folder(folder, root, grown)
    return begin(f"{folder}/{PARTIAL}{new_id()}")


def folder_of(path: str) -> str:
    """Return the folder that a file lies in."""
    return os.path.dirname(path)


def make_folder(folder: str, root: str, grown: list[str]) -> None:
    """Make a folder below the root; those that have a name more afterwards are added."""
    if folder == root:
        os.makedirs(root, exist_ok=True)
        return
    above = folder_of(folder)
    if not os.path.isdir(above):
        make_folder(above, root, grown)
    try:
        os.mkdir(folder)
    except FileExistsError:  # whoever has made it since may not have written it through
        if os.path.isfile(folder):
            raise
    grown.append(above)


def put(content: bytes, partial: str) -> str:
    """Write a file through."""
    file = Partial(partial)
    try:
        file.write(content)
        file.settle()
    except OSError:
        file.remove()
        raise
    return partial


def move(source: Path, partial: str) -> str:
    """Move a file, or copy it from another disk, and write it through."""
    try:
        os.rename(source, partial)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with removed_on_error(partial):
            shutil.copyfile(source, partial)
    with removed_on_error(partial):
        fsync(partial)
    return partial


@contextmanager
def removed_on_error(partial: str) -> Iterator[None]:
    """Leave nothing of a temporary file that could not be written."""
    try:
        yield
    except OSError:
        remove(partial)
        raise


def place(partial: str, target: str, *, if_absent: bool) -> None:
    """Rename a file that is whole to its place."""
    if if_absent:
        os.link(partial, target)
        remove(partial)
    else:
        os.replace(partial, target)


def remove(path: str) -> None:
    """Remove a file, if it is there."""
    with suppress(FileNotFoundError):
        os.unlink(path)


@contextmanager
def settling(folders: list[str]) -> Iterator[list[str]]:
    """Make the names in folders durable, each folder once, also where the block fails.

    At its end, because what a journal has written with a file costs nothing any more.
    """
    try:
        yield folders
    finally:
        for folder in dict.fromkeys(folders):
            with suppress(FileNotFoundError):  # a delete beside us has removed it, empty
                fsync(folder)


def fsync(path: str) -> None:
    """Write a file, or a folder's list of names, through to the disk."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
