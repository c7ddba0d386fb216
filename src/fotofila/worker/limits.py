"""What a child may take, set by the child itself before it touches an image."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import threading
import time

PR_SET_PDEATHSIG = 1
"""prctl(2): the signal that the kernel sends us when our parent dies."""
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""mallopt(3)."""
FILE_BYTES = 4 * 1024**3
OPEN_FILES = 256


def confine(*, memory_mb: int, parent_pid: int) -> None:
    """Bound memory, files and cores, and tie our life to our parent's."""
    die_with_parent(parent_pid)
    if sys.platform == "linux":
        lower(resource.RLIMIT_AS, memory_mb * 1024 * 1024)
    lower(resource.RLIMIT_CORE, 0)
    lower(resource.RLIMIT_FSIZE, FILE_BYTES)
    lower(resource.RLIMIT_NOFILE, OPEN_FILES)


def lower(limit: int, value: int) -> None:
    """Lower a limit for good; one that is lower already stays."""
    _, hard = resource.getrlimit(limit)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (value, value))


def die_with_parent(parent_pid: int, *, poll_seconds: float = 1.0) -> None:
    """End this process when its parent ends, however that happens.

    Linux tells us by a signal; elsewhere a thread looks at who our parent is.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    else:
        threading.Thread(target=watch_parent, args=(parent_pid, poll_seconds), daemon=True).start()
    if os.getppid() != parent_pid:  # it died before we asked to be told
        os._exit(1)


def watch_parent(parent_pid: int, poll_seconds: float) -> None:
    """Look until the parent is another one."""
    while os.getppid() == parent_pid:
        time.sleep(poll_seconds)
    os._exit(1)


def keep_memory() -> None:
    """Have glibc keep what a job frees for the next one, up to 256 MiB.

    Pictures are large blocks, which glibc would give back to the kernel after each job and take anew, page by page:
    measured, that doubles the cost of decoding.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, 32 * 1024**2)
        mallopt(M_TRIM_THRESHOLD, 256 * 1024**2)
