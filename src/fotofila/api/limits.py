"""Rate limits: a sliding window for each key and each address, and one for signing in.

Counted in the memory of each process (`limits`), so N processes allow N times as much: enough to stop a runaway
script and a password guesser, and no shared store is needed for it.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from math import ceil

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from fotofila.core.config import SettingsError
from fotofila.core.errors import RateLimitedError
from fotofila.core.observability.metrics import RATE_LIMITED


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
    """The counters of this process."""

    def __init__(self, *, requests: str, sign_ins: str) -> None:
        self._requests = parse_limit(requests, setting="FOTOFILA_RATE_LIMIT")
        self._sign_ins = parse_limit(sign_ins, setting="FOTOFILA_LOGIN_RATE_LIMIT")
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def take(self, bucket: str) -> Quota:
        """Count one request of a key or an address."""
        return await self._take(self._requests, "request", bucket)

    async def take_sign_in(self, *, address: str, username: str | None = None) -> None:
        """Count one attempt to sign in, by address and, apart from it, by user name.

        Raises:
            RateLimitedError: too many, by either.
        """
        (await self._take(self._sign_ins, "sign-in-address", address)).demand()
        if username is not None:
            digest = hashlib.sha256(username.strip().casefold().encode("utf-8", "replace")).hexdigest()
            (await self._take(self._sign_ins, "sign-in-user", digest)).demand()

    async def _take(self, item: RateLimitItem, *bucket: str) -> Quota:
        allowed = await self._limiter.hit(item, *bucket)
        reset_at, remaining = await self._limiter.get_window_stats(item, *bucket)
        return Quota(
            allowed=allowed,
            limit=item.amount,
            window_seconds=item.get_expiry(),
            remaining=int(remaining),
            reset_seconds=max(1, ceil(reset_at - time.time())),  # the library counts by the clock of the machine
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
