"""Slots in a file: shared by all processes of one machine that have the same folder."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from fotofila.core.errors import UnavailableError

FARTHEST_SECONDS = 3600.0
"""No slot is farther away; one that seems to be is of before the machine was started again, when its clock began."""


class FileSlots:
    """Keeps the moments of the machine's own clock, which all its processes share, under a lock of the system."""

    def __init__(self, path: Path, now: Callable[[], float] = time.monotonic) -> None:
        """Make the file at the first use."""
        self._path = path
        self._now = now

    async def take(self, bucket: str, *, gap_seconds: float) -> float:
        """Take the next slot."""
        with self._saying_it_is_away():
            return await asyncio.to_thread(self._take, bucket, gap_seconds)

    async def push(self, bucket: str, *, seconds: float) -> None:
        """Leave some seconds free."""
        with self._saying_it_is_away():
            await asyncio.to_thread(self._push, bucket, seconds)

    async def close(self) -> None:
        """Nothing is open between calls."""

    def _take(self, bucket: str, gap_seconds: float) -> float:
        with self._locked() as (free, now):
            at = max(now, free.get(bucket, now))
            free[bucket] = at + gap_seconds
            return at - now

    def _push(self, bucket: str, seconds: float) -> None:
        with self._locked() as (free, now):
            free[bucket] = max(now + seconds, free.get(bucket, now))

    @contextmanager
    def _saying_it_is_away(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:  # a worker that is walled in may have no folder of its own
            raise UnavailableError(
                f"The pace towards AWS cannot be kept in {self._path} ({error.strerror}): let FOTOFILA_DATA_DIR be "
                "written to, or set FOTOFILA_RATE_LIMIT_URL."
            ) from error

    @contextmanager
    def _locked(self) -> Iterator[tuple[dict[str, float], float]]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            now = self._now()
            free = {name: at for name, at in read(file).items() if at <= now + FARTHEST_SECONDS}
            yield free, now
            file.seek(0)
            file.truncate()
            file.write(json.dumps(free).encode())


def read(file: BinaryIO) -> dict[str, float]:
    """Read the moments; a file that a crash cut off has none."""
    with contextlib.suppress(ValueError, AttributeError):
        return {str(name): float(at) for name, at in json.loads(file.read()).items()}
    return {}
