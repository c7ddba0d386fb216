"""Keeping to a rate that many processes share: every request takes a slot, and slots lie evenly in time.

This is the generic cell rate algorithm (ITU-T I.371) with room for one request: what is kept is the moment of the next
free slot, so that a request learns at once how long to wait, and nobody polls.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from fotofila.core.errors import UnavailableError
from fotofila.core.observability.logs import get_logger

log = get_logger(__name__)

HEADROOM = 0.95
"""We use this share of the rate: clocks differ, and what is sent evenly does not arrive evenly."""
EASED = 0.7
"""What a throttle leaves of the rate."""
REGAINED = 0.01
"""What every success gives back of it."""
LEAST = 0.05

Sleep = Callable[[float], Awaitable[None]]


class Slots(Protocol):
    """Where the moments of the next free slots are kept, for as many processes as reach it."""

    async def take(self, bucket: str, *, gap_seconds: float) -> float:
        """Take the next slot and return how many seconds to wait for it; the one after it is a gap later.

        Raises:
            UnavailableError: what keeps them does not answer.
        """
        ...

    async def push(self, bucket: str, *, seconds: float) -> None:
        """Let no slot be sooner than so many seconds from now."""
        ...

    async def close(self) -> None:
        """Let go of connections; may be called twice."""
        ...


class OwnSlots:
    """Slots of this process alone."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._free: dict[str, float] = {}

    async def take(self, bucket: str, *, gap_seconds: float) -> float:
        """Take the next slot."""
        now = self._now()
        at = max(now, self._free.get(bucket, now))
        self._free[bucket] = at + gap_seconds
        return at - now

    async def push(self, bucket: str, *, seconds: float) -> None:
        """Leave some seconds free."""
        self._free[bucket] = max(self._now() + seconds, self._free.get(bucket, 0.0))

    async def close(self) -> None:
        """Nothing is open."""


class Pace:
    """The rate of each operation: under the account's, and lower for a while after a throttle."""

    def __init__(
        self, slots: Slots, *, per_second: float, account: str, sleep: Sleep = asyncio.sleep, chance: random.Random
    ) -> None:
        """Share `slots` with everybody who names the same `account`."""
        self._slots = slots
        self._own = OwnSlots()
        self._per_second = per_second * HEADROOM
        self._account = account
        self._sleep = sleep
        self._chance = chance
        self._share: dict[str, float] = {}

    def per_second(self, operation: str) -> float:
        """Return the rate that this process keeps to now."""
        return self._per_second * self._share.get(operation, 1.0)

    async def turn(self, operation: str) -> None:
        """Wait for the next slot."""
        gap = 1 / self.per_second(operation)
        try:
            wait = await self._slots.take(self._bucket(operation), gap_seconds=gap)
        except UnavailableError as error:  # what is shared is away: each keeps to the rate by itself
            log.warning("aws.pace_away", sentence=error.message)
            wait = await self._own.take(operation, gap_seconds=gap)
        if wait > 0:
            await self._sleep(wait)

    async def throttled(self, operation: str, *, times: int) -> None:
        """Be slower from now on, and leave the server alone for a moment, all processes; longer each time."""
        self._share[operation] = max(LEAST, self._share.get(operation, 1.0) * EASED)
        rest = min(8.0, 0.25 * 2.0**times) * self._chance.uniform(0.5, 1.0)
        await self._own.push(operation, seconds=rest)
        with contextlib.suppress(UnavailableError):
            await self._slots.push(self._bucket(operation), seconds=rest)

    def answered(self, operation: str) -> None:
        """Come back to the full rate, little by little."""
        if operation in self._share:
            self._share[operation] = min(1.0, self._share[operation] + REGAINED)

    async def close(self) -> None:
        """Let go of the slots."""
        await self._slots.close()

    def _bucket(self, operation: str) -> str:
        return f"{self._account}/{operation}"
