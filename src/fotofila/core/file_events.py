"""Hearing of the next write to a file, from any process of this machine, without asking (inotify(7))."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import sys
from pathlib import Path

IN_MODIFY, IN_ONESHOT = 0x2, 0x80000000
EVENT_BYTES = 4096


class FileEvents:
    """One local file. Only Linux tells; elsewhere, and where it has no more ears to lend, `arm` says no."""

    def __init__(self, path: Path) -> None:
        self._path = os.fsencode(path)
        self._libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
        self._ear = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC) if self._libc is not None else -1

    def arm(self) -> bool:
        """Listen from now on, or on; False where one has to look instead.

        For one write only: a busy file is better looked at now and then than heard of all the time.
        """
        if self._libc is None or self._ear < 0:
            return False
        watch: int = self._libc.inotify_add_watch(self._ear, self._path, IN_MODIFY | IN_ONESHOT)
        return watch >= 0

    async def heard(self, timeout_seconds: float) -> bool:
        """Wait for a write since one listens; False when there was none in this time."""
        loop = asyncio.get_running_loop()
        told: asyncio.Future[bool] = loop.create_future()
        timer = loop.call_later(timeout_seconds, settle, told, False)  # noqa: FBT003 - half the cost of a timeout
        loop.add_reader(self._ear, settle, told, True)  # noqa: FBT003
        try:
            heard = await told
        finally:
            timer.cancel()
            loop.remove_reader(self._ear)
        if heard:
            self.forget()
        return heard

    def forget(self) -> None:
        """Have a write that nobody has waited for be no matter."""
        with contextlib.suppress(BlockingIOError):
            while self._ear >= 0 and os.read(self._ear, EVENT_BYTES):
                pass

    def close(self) -> None:
        """Listen no more."""
        if self._ear >= 0:
            os.close(self._ear)
            self._ear = -1


def settle(future: asyncio.Future[bool], result: bool) -> None:
    """Give a result to whoever still waits for it."""
    if not future.done():
        future.set_result(result)
