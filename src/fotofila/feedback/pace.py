"""Sleeping that a stop ends at once."""

from __future__ import annotations

import asyncio
import time

GATHER_SECONDS = 0.05


async def sleep(stop: asyncio.Event, seconds: float) -> None:
    """Sleep for so long, or until told to stop."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        pass


class Gathering:
    """Has a loop that is busy take more at once: it turns at once after a rest, and then not twice in 50 ms.

    A turn costs about the same whether it moves one message or twenty, and while there is much to do nobody waits for
    the one that came last.
    """

    def __init__(self) -> None:
        self._turned_at = -GATHER_SECONDS

    def turned(self) -> None:
        """Note that something was done."""
        self._turned_at = time.monotonic()

    async def wait(self, stop: asyncio.Event) -> None:
        """Wait for the rest of the time since something was done."""
        left = self._turned_at + GATHER_SECONDS - time.monotonic()
        if left > 0:
            await sleep(stop, left)
