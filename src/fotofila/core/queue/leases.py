"""Who holds what, as the one who holds it knows: for servers that let anyone end or prolong any delivery.

JetStream and SQS do what a receipt says also when its lease is long over and another receiver holds the message. So
each adapter keeps the end of every lease on a clock of its own, set before the server's, and what is done with a
receipt after that time never leaves the process.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

ALERT_PARTS = 8
"""A waiting process looks at its clock so many times in a lease."""
PURGE_AT = 1024


def now() -> float:
    """Return seconds that go on while the process, or the machine, sleeps."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


class Leases:
    """The receipts that this process holds, and until when."""

    def __init__(self, clock: Callable[[], float] = now) -> None:
        self._clock = clock
        self._ends: dict[str, float] = {}
        self._purge_at = PURGE_AT

    def hold(self, receipt: str, *, since: float, lease_seconds: float) -> bool:
        """Take a receipt, or set its lease anew; False when the lease is over already."""
        if len(self._ends) >= self._purge_at:
            self._purge()
        if since + lease_seconds <= self._clock():
            return False
        self._ends[receipt] = since + lease_seconds
        return True

    def holds(self, receipt: str) -> bool:
        """Say whether the lease is ours still."""
        return self._ends.get(receipt, 0) > self._clock()

    def end(self, receipt: str) -> float:
        """Return when a lease is over, on the clock of `now`."""
        return self._ends.get(receipt, 0)

    def release(self, receipt: str) -> bool:
        """Let go; False when it was not ours any more."""
        return self._ends.pop(receipt, 0) > self._clock()

    def forget(self, matching: Callable[[str], bool]) -> None:
        """Let go of receipts that mean nothing any more: their server was wiped clean."""
        self._ends = {receipt: end for receipt, end in self._ends.items() if not matching(receipt)}

    def _purge(self) -> None:
        at = self._clock()
        self._ends = {receipt: end for receipt, end in self._ends.items() if end > at}
        self._purge_at = max(PURGE_AT, 2 * len(self._ends))


async def wait_awake(arrival: asyncio.Future[Any], *, seconds: float, lease_seconds: float) -> float | None:
    """Wait for something to arrive; return a time at which it was not yet on its way, or None when nothing came.

    The lease of a delivery runs from the server's sending. That is just now, unless this process was stopped meanwhile:
    then it may be over already. So the time returned is the last at which this process was surely awake.
    """
    part = lease_seconds / ALERT_PARTS
    began = awake = now()
    overslept = False
    while True:
        left = began + seconds - now()
        done, _ = await asyncio.wait({arrival}, timeout=max(0.0, min(part, left)))
        if done:
            return awake
        overslept = now() - awake > 2 * part and not overslept  # what came while we slept is about to show
        if not overslept:
            awake = now()
            if awake >= began + seconds:
                return None
