"""A worker's folder for what it works on: it goes with the worker, also with one that was killed."""

from __future__ import annotations

import contextlib
import fcntl
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
