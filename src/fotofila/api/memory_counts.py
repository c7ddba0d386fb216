"""Requests counted in this process: at once, since nobody else is asked."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, inf

from limits import RateLimitItem

from fotofila.api.rate_stores import Count

KEPT_UNSWEPT = 1000
"""So few buckets are kept without a look whether they are over."""


@dataclass(slots=True, kw_only=True)
class Window:
    """What a bucket was asked for in its last window, and in the one before."""

    period: int
    hits: int = 0
    before: int = 0
    ends_at: float
    """When no window has these hits in sight any more."""


class MemoryStore:
    """A sliding window for each bucket, by the clock of the machine."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._windows: dict[tuple[str, int], Window] = {}
        self._sweep_at = KEPT_UNSWEPT

    async def take(self, item: RateLimitItem, bucket: str, *, cost: int = 1) -> Count:
        """Count requests; see `RateStore.take`."""
        return self.take_here(item, bucket, cost=cost)

    def take_here(self, item: RateLimitItem, bucket: str, *, cost: int = 1) -> Count:
        """Do the same without waiting."""
        seconds, most, now = item.get_expiry(), item.amount, self._now()
        window = self._window(bucket, seconds, now)
        in_sight = 1 - now / seconds % 1
        faded = window.before * in_sight
        allowed = window.hits + int(faded) + cost <= most
        if allowed:
            window.hits += cost
        # Room comes with the end of the window, or as soon as one more of the window before is out of sight.
        left = in_sight * seconds
        reset = min(left if window.hits else inf, left % (seconds / window.before) if window.before else inf)
        return Count(
            allowed=allowed,
            remaining=max(0, most - window.hits - int(faded)),
            reset_seconds=max(1, ceil(reset)) if reset < inf else 1,
        )

    def _window(self, bucket: str, seconds: int, now: float) -> Window:
        period = int(now / seconds)
        window = self._windows.get((bucket, seconds))
        if window is not None and window.period == period:
            return window
        if len(self._windows) >= self._sweep_at:
            self._sweep(now)
        before = window.hits if window is not None and window.period == period - 1 else 0
        window = Window(period=period, before=before, ends_at=(period + 2) * seconds)
        self._windows[bucket, seconds] = window
        return window

    def _sweep(self, now: float) -> None:
        """Forget what is over; the next time when there are twice as many, so that it costs each bucket but once."""
        self._windows = {key: window for key, window in self._windows.items() if now < window.ends_at}
        self._sweep_at = max(KEPT_UNSWEPT, 2 * len(self._windows))

    async def close(self) -> None:
        """Nothing is open."""
