"""Which jobs nobody wants any more, by their markers in storage."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from fotofila.core.jobs.keys import CANCELLED, cancel_marker
from fotofila.core.storage import Storage
from fotofila.worker.errors import needing_storage

LOOK_SECONDS = 1.0
LOOK_SHARE = 20
"""Where a look takes long, because ten thousand jobs were cancelled, so many times that passes until the next."""


class Cancels:
    """The markers as they were a second ago at most: one listing for all the jobs that begin within it.

    To ask for each job's own marker cost more than the rest of what a worker does with the storage. No correctness
    rests on a marker: one that is younger is met by the look that comes with every heartbeat, or when the result is
    told, which finds a final state.
    """

    def __init__(self, storage: Storage, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._storage = storage
        self._clock = clock
        self._found: frozenset[str] = frozenset()
        self._good_until = clock()
        self._looking = asyncio.Lock()

    async def have(self, job_id: str, round_number: int) -> bool:
        """Say whether a round of a job is cancelled.

        Raises:
            StorageAwayError: the storage does not answer; what it said last is not gone by.
        """
        async with self._looking:
            if self._clock() >= self._good_until:
                await self._look()
        return cancel_marker(job_id, round_number) in self._found

    async def _look(self) -> None:
        began = self._clock()
        with needing_storage():
            self._found = frozenset([info.key async for info in self._storage.list(CANCELLED)])
        self._good_until = began + max(LOOK_SECONDS, LOOK_SHARE * (self._clock() - began))
