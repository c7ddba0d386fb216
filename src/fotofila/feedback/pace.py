"""Sleeping that a stop ends at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable

GATHER_SECONDS = 0.05
LONGEST_SECONDS = 0.5
BULK_SECONDS = 0.1
BULK = ".bulk"


async def sleep(stop: asyncio.Event, seconds: float) -> None:
    """Sleep for so long, or until told to stop."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        pass


def spare_for(lanes: Iterable[str], seconds: float) -> float:
    """Return how long others may be let wait: not long where a batch goes by, for who sends one photo has no queue."""
    return min(seconds, BULK_SECONDS) if any(lane.endswith(BULK) for lane in lanes) else seconds


class Gathering:
    """Has a loop that is busy take more at once: it turns at once after a rest, and then not twice in 50 ms.

    A turn costs about the same whether it moves one message or twenty, and while there is much to do nobody waits for
    the one that came last. Where whoever comes next has enough to do, or waited for long already, up to 500 ms.
    """

    def __init__(self) -> None:
        self._rests_until = 0.0

    def turned(self, spare_seconds: float = 0.0) -> None:
        """Note that something was done, and how long nobody would miss the next turn."""
        self._rests_until = time.monotonic() + min(max(GATHER_SECONDS, spare_seconds), LONGEST_SECONDS)

    async def wait(self, stop: asyncio.Event) -> None:
        """Wait for the rest of the time since something was done."""
        left = self._rests_until - time.monotonic()
        if left > 0:
            await sleep(stop, left)
