"""What a child may take, set by the child itself before it touches an image."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import threading
from typing import BinaryIO

PR_SET_PDEATHSIG = 1
"""prctl(2): the signal that the kernel sends us when our parent dies."""
FILE_BYTES = 4 * 1024**3
OPEN_FILES = 256


def confine(*, memory_mb: int, parent_pid: int) -> None:
    """Bound memory, files and cores, and tie our life to our parent's."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        lower(resource.RLIMIT_AS, memory_mb * 1024 * 1024)
    if os.getppid() != parent_pid:  # the parent died before the kernel was asked to tell us
        os._exit(1)
    lower(resource.RLIMIT_CORE, 0)
    lower(resource.RLIMIT_FSIZE, FILE_BYTES)
    lower(resource.RLIMIT_NOFILE, OPEN_FILES)


def lower(limit: int, value: int) -> None:
    """Lower a limit for good; one that is lower already stays."""
    _, hard = resource.getrlimit(limit)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (value, value))


def die_with(pipe: BinaryIO) -> None:
    """End the process when a pipe is closed: what works on systems that cannot signal the death of a parent."""

    def watch() -> None:
        while pipe.read(1):
            pass
        os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
