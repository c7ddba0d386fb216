"""Rate limits: a sliding window for each key and each address, and one for signing in.

With PostgreSQL or Redis all replicas share one budget, of which each process takes requests by blocks and attempts to
sign in one by one; with SQLite each process counts for itself. While a shared store does not answer, requests are
counted in each process, and nobody signs in by password: guessing must not get easier by knocking the store out.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from dataclasses import dataclass

from limits import RateLimitItem, parse

from fotofila.api.leases import LeasedCounts
from fotofila.api.memory_counts import MemoryStore
from fotofila.api.rate_stores import Count, RateStore
from fotofila.core.config import SettingsError
from fotofila.core.errors import RateLimitedError, UnavailableError
from fotofila.core.observability.logs import get_logger
from fotofila.core.observability.metrics import RATE_LIMITED

log = get_logger(__name__)

ANSWER_SECONDS = 1.0
"""A store that is slower than this is taken to be away: no request waits longer to be counted."""
REST_SECONDS = 5.0
"""So long a store that was away is not asked for requests again."""
RETRY_SECONDS = "5"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """What is left of a limit, and the headers that tell of it (draft-ietf-httpapi-ratelimit-headers-10)."""

    allowed: bool
    limit: int
    window_seconds: int
    remaining: int
    reset_seconds: int

    @property
    def headers(self) -> dict[str, str]:
        """`RateLimit` and `RateLimit-Policy`."""
        return {
            "RateLimit-Policy": f'"default";q={self.limit};w={self.window_seconds}',
            "RateLimit": f'"default";r={self.remaining};t={self.reset_seconds}',
        }

    def demand(self) -> None:
        """Raise RateLimitedError where nothing is left."""
        if self.allowed:
            return
        RATE_LIMITED.inc()
        message = f"More than {self.limit} requests in {self.window_seconds} seconds: wait {self.reset_seconds} s."
        raise RateLimitedError(message, headers={"Retry-After": str(self.reset_seconds), **self.headers})


class RateLimits:
    """The counters that this process asks."""

    def __init__(self, *, requests: str, sign_ins: str, shared: RateStore | None = None) -> None:
        self._requests = parse_limit(requests, setting="FOTOFILA_RATE_LIMIT")
        self._sign_ins = parse_limit(sign_ins, setting="FOTOFILA_LOGIN_RATE_LIMIT")
        self._shared = shared
        self._leased = LeasedCounts(shared) if shared is not None else None
        self._own = MemoryStore()
        self._rests_until = 0.0

    async def take(self, bucket: str) -> Quota:
        """Count one request of a key or an address; in this process while the shared store is away."""
        if self._leased is not None and time.monotonic() >= self._rests_until:
            if (count := self._leased.take_here(f"request/{bucket}")) is not None:
                return quota(self._requests, count)
            try:
                return await self._take(self._leased, self._requests, f"request/{bucket}")
            except UnavailableError as error:
                self._rests_until = time.monotonic() + REST_SECONDS
                log.warning("limits.store_away", sentence=error.message)
        return quota(self._requests, self._own.take_here(self._requests, f"request/{bucket}"))

    async def take_sign_in(self, *, address: str, username: str | None = None) -> None:
        """Count one attempt to sign in, by address and, apart from it, by user name.

        Raises:
            RateLimitedError: too many, by either.
            UnavailableError: they cannot be counted now.
        """
        store = self._shared or self._own
        (await self._take(store, self._sign_ins, f"sign-in-address/{address}")).demand()
        if username is not None:
            digest = hashlib.sha256(username.strip().casefold().encode("utf-8", "replace")).hexdigest()
            (await self._take(store, self._sign_ins, f"sign-in-user/{digest}")).demand()

    async def _take(self, store: RateStore | LeasedCounts, item: RateLimitItem, bucket: str) -> Quota:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                count = await store.take(item, bucket)
        except TimeoutError as error:
            message = "What counts requests does not answer: try again shortly."
            raise UnavailableError(message, headers={"Retry-After": RETRY_SECONDS}) from error
        return quota(item, count)

    async def close(self) -> None:
        """Let go of the shared store."""
        if self._shared is not None:
            await self._shared.close()


def quota(item: RateLimitItem, count: Count) -> Quota:
    """Shape what a store says of a request."""
    return Quota(
        allowed=count.allowed,
        limit=item.amount,
        window_seconds=item.get_expiry(),
        remaining=count.remaining,
        reset_seconds=count.reset_seconds,
    )


def parse_limit(text: str, *, setting: str) -> RateLimitItem:
    """Read `100/minute`.

    Raises:
        SettingsError: it is no limit.
    """
    try:
        return parse(text)
    except ValueError as error:
        message = f"{setting}: {text!r} is no rate limit; write it as `1200/minute`."
        raise SettingsError(message) from error
