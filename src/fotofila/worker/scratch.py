"""A worker's folder for what it works on: it goes with the worker, also with one that was killed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "fotofila-worker-"
DIRECT_PREFIX = "fotofila-direct-"
STALE_SECONDS = 86400
LOCK = "in-use"


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Give a fresh folder and hold it locked; what killed workers of this machine left behind is removed first."""
    root = Path(tempfile.gettempdir())
    for leftover in root.glob(f"{PREFIX}*"):
        remove_unless_held(leftover)
    hidden = Path(tempfile.mkdtemp(prefix=f".{PREFIX}", dir=root))
    with (hidden / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder = hidden.rename(root / hidden.name[1:])  # seen only when it is locked
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


class Tray:
    """A place for one job at a time: a file for its original, and a folder for what is made of it."""

    def __init__(self, root: Path, name: str) -> None:
        self.original = root / f"{name}.original"
        self.made = root / name
        self.made.mkdir()

    def clear(self) -> bool:
        """Remove what was made, so that no job finds another's; False when there is more than files."""
        try:
            for path in self.made.iterdir():
                path.unlink()
        except OSError:
            return False
        return True

    def wipe(self) -> None:
        """Forget the original."""
        with contextlib.suppress(OSError):
            os.truncate(self.original, 0)

    def remove(self) -> None:
        """Have nothing of it left."""
        shutil.rmtree(self.made, ignore_errors=True)
        self.original.unlink(missing_ok=True)


class Trays:
    """Trays that are used again: to make a file and a folder costs more than all the rest of a small job.

    So an original stays until the next one takes its place, or `wipe` is called.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._made = 0
        self._free: list[Tray] = []

    @contextmanager
    def take(self) -> Iterator[Tray]:
        """Give a tray whose folder is empty, for a block."""
        if not self._free:
            self._made += 1
            self._free.append(Tray(self._root, f"job-{self._made}"))
        tray = self._free.pop()
        try:
            yield tray
        finally:
            if tray.clear():
                self._free.append(tray)
            else:
                tray.remove()

    def wipe(self) -> None:
        """Forget the originals that nobody works on."""
        for tray in self._free:
            tray.wipe()


def remove_unless_held(folder: Path) -> None:
    """Remove a folder whose worker is gone: the kernel gave its lock back, however it ended."""
    with contextlib.suppress(OSError), (folder / LOCK).open("r") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)


def remove_stale() -> None:
    """Remove what killed servers left of calls of the direct lane: no call lasts for a day."""
    for folder in Path(tempfile.gettempdir()).glob(f"{DIRECT_PREFIX}*"):
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_mtime > STALE_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
