"""A worker's folder for what it works on: it goes with the worker, also with one that was killed."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "fotofila-worker-"
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
