"""Blocks of requests that a process takes from a shared count, so that not each request asks for itself.

A block is counted in the shared store as it is taken: what all processes take never exceeds the limit. Only when it is
used is inexact. In any window at most one block of each process comes on top, taken at the end of the window before,
and at most one of each other process is missing, taken there and not used. A block is what is used in a second or two,
and a twentieth of the limit at most: limits below 40 are counted one by one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

from limits import RateLimitItem

from fotofila.api.rate_stores import Count, RateStore
from fotofila.core.errors import UnavailableError

SHORT_SECONDS, LONG_SECONDS = 1.0, 2.0
"""A block that lasts less is followed by one of twice its size, one that lasts longer by one of half."""
LARGEST_SHARE = 20
"""So many blocks a limit has at least."""
REFUSED_SECONDS = 0.1
"""How long a refusal is believed without asking again."""
MOST_BUCKETS = 10_000

Now = Callable[[], float]


@dataclass(slots=True, kw_only=True)
class Lease:
    """A block of one bucket; times are of the monotonic clock."""

    size: int
    left: int
    taken_at: float
    ends_at: float
    remaining: int
    """What the store had left beside this block."""
    resets_at: float
    refused: bool


class LeasedCounts:
    """Counts by blocks of a shared store."""

    def __init__(self, store: RateStore, now: Now = time.monotonic) -> None:
        self._store = store
        self._now = now
        self._leases: dict[str, Lease] = {}
        self._asked: dict[str, asyncio.Future[None]] = {}

    async def take(self, item: RateLimitItem, bucket: str) -> Count:
        """Count one request; see `RateStore.take`."""
        while (count := self.take_here(bucket)) is None:
            if (asked := self._asked.get(bucket)) is not None:
                await asyncio.shield(asked)
            else:
                await self._ask(item, bucket)
        return count

    def take_here(self, bucket: str) -> Count | None:
        """Count one request of a block that is there; None where there is none."""
        lease = self._leases.get(bucket)
        if lease is None or (now := self._now()) >= lease.ends_at or not (lease.left or lease.refused):
            return None
        if not lease.refused:
            lease.left -= 1
        return Count(
            allowed=not lease.refused,
            remaining=lease.left + lease.remaining,
            reset_seconds=max(1, ceil(lease.resets_at - now)),
        )

    async def _ask(self, item: RateLimitItem, bucket: str) -> None:
        """Take a block, once for all that wait for it; that the store is away is told to all of them."""
        asked = self._asked[bucket] = asyncio.get_running_loop().create_future()
        try:
            self._keep(bucket, await self._lease(item, bucket))
        except UnavailableError as error:
            asked.set_exception(error)
            asked.exception()  # seen, also where nobody waits
            raise
        finally:
            del self._asked[bucket]
            if not asked.done():
                asked.set_result(None)

    async def _lease(self, item: RateLimitItem, bucket: str) -> Lease:
        size = self._next_size(item, self._leases.get(bucket))
        count = await self._store.take(item, bucket, cost=size)
        if not count.allowed and size > 1:
            size, count = 1, await self._store.take(item, bucket)
        now = self._now()
        return Lease(
            size=size,
            left=size if count.allowed else 0,
            taken_at=now,
            ends_at=now + (item.get_expiry() if count.allowed else REFUSED_SECONDS),
            remaining=count.remaining,
            resets_at=now + count.reset_seconds,
            refused=not count.allowed,
        )

    def _next_size(self, item: RateLimitItem, last: Lease | None) -> int:
        now = self._now()
        if last is None or last.refused or now >= last.ends_at:
            return 1
        seconds = now - last.taken_at
        wanted = 2 * last.size if seconds < SHORT_SECONDS else last.size
        wanted = last.size // 2 if seconds > LONG_SECONDS else wanted
        return max(1, min(wanted, item.amount // LARGEST_SHARE, last.remaining))

    def _keep(self, bucket: str, lease: Lease) -> None:
        if len(self._leases) >= MOST_BUCKETS:
            self._leases.clear()
        self._leases[bucket] = lease
