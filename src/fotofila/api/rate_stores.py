"""Where requests of several processes are counted: in PostgreSQL, or in Redis; in one process: `memory_counts`.

All count in a sliding window: the count of this window and that of the one before, weighted by how much of it is still
in sight. A request that is refused is not counted.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from math import ceil
from typing import Protocol

from limits import RateLimitItem
from limits.aio.storage import Storage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import ConfigurationError, StorageError
from sqlalchemy import Integer, String, bindparam, text

from fotofila.core.capability import Context
from fotofila.core.config import Settings, SettingsError
from fotofila.core.db import Database
from fotofila.core.errors import UnavailableError

SOCKET_SECONDS = 1.0
RETRY_SECONDS = "5"


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """What a store says of one request."""

    allowed: bool
    remaining: int
    reset_seconds: int


class RateStore(Protocol):
    """Counts requests."""

    async def take(self, item: RateLimitItem, bucket: str, *, cost: int = 1) -> Count:
        """Count so many requests against a limit, or none of them where it has no room for all.

        Raises:
            UnavailableError: the store does not answer.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class RedisStore:
    """Counts in Redis, by the library `limits`."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._limiter = SlidingWindowCounterRateLimiter(storage)

    async def take(self, item: RateLimitItem, bucket: str, *, cost: int = 1) -> Count:
        """Count requests."""
        try:
            allowed = await self._limiter.hit(item, bucket, cost=cost)
            reset_at, remaining = await self._limiter.get_window_stats(item, bucket)
        except (StorageError, OSError) as error:
            message = "Redis, which counts requests, does not answer: try again shortly."
            raise UnavailableError(message, headers={"Retry-After": RETRY_SECONDS}) from error
        reset_seconds = max(1, ceil(reset_at - time.time()))  # the library counts by the clock of the machine
        return Count(allowed=allowed, remaining=int(remaining), reset_seconds=reset_seconds)

    async def close(self) -> None:
        """Close the connections of Redis."""
        client = getattr(getattr(self._storage, "bridge", None), "storage", None)
        if client is not None:
            await client.aclose()


TAKE = text(
    """
    WITH now AS (
        SELECT floor(extract(epoch FROM t) / :seconds)::bigint AS period,
               (extract(epoch FROM t) / :seconds) % 1 AS passed,
               t + make_interval(secs => 2 * :seconds) AS expires_at
        FROM (SELECT clock_timestamp() AS t) AS clock
    )
    INSERT INTO rate_counts AS r (bucket, period, hits, hits_before, allowed, expires_at)
    SELECT :bucket, period, CASE WHEN :cost <= :most THEN :cost ELSE 0 END, 0, :cost <= :most, expires_at FROM now
    ON CONFLICT (bucket) DO UPDATE SET (period, hits, hits_before, allowed, expires_at) = (
        SELECT now.period,
               s.hits + CASE WHEN s.seen + :cost <= :most THEN :cost ELSE 0 END,
               s.hits_before,
               s.seen + :cost <= :most,
               now.expires_at
        FROM now, LATERAL (
            SELECT CASE WHEN r.period = now.period THEN r.hits ELSE 0 END AS hits,
                   CASE r.period WHEN now.period THEN r.hits_before WHEN now.period - 1 THEN r.hits ELSE 0 END
                       AS hits_before
        ) AS kept, LATERAL (
            SELECT kept.hits, kept.hits_before, kept.hits + floor(kept.hits_before * (1 - now.passed)) AS seen
        ) AS s
    )
    RETURNING allowed, hits, hits_before, (SELECT passed FROM now)
    """
).bindparams(
    bindparam("bucket", type_=String()), bindparam("cost", type_=Integer()), bindparam("most", type_=Integer())
)


class PostgresStore:
    """Counts in one statement, by the clock of the database, in a table that is never written to the log on disk."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, item: RateLimitItem, bucket: str, *, cost: int = 1) -> Count:
        """Count requests."""
        seconds, most = item.get_expiry(), item.amount
        values = {"bucket": f"{bucket}/{seconds}", "seconds": seconds, "most": most, "cost": cost}
        async with self._database.look() as connection:
            allowed, hits, before, passed = (await connection.execute(TAKE, values)).one()
        left = (1 - float(passed)) * seconds
        seen = hits + int(before * (1 - float(passed)))
        # With hits of this window alone, room comes with its end; with those of the one before, as they fade.
        reset = left if hits >= most or not before else min(left, seconds / before)
        return Count(allowed=allowed, remaining=max(0, most - seen), reset_seconds=max(1, ceil(reset)))

    async def close(self) -> None:
        """Nothing of its own is open."""


def choose_store(settings: Settings, database: Database) -> RateStore | None:
    """Choose by FOTOFILA_RATE_LIMIT_URL, and without it by the database; None counts in this process alone.

    Raises:
        SettingsError: the URL is none that we know, or the client of Redis is not installed.
    """
    url = settings.rate_limit_url.get_secret_value()
    if not url:
        return None if database.is_sqlite else PostgresStore(database)
    if url.startswith("memory://"):
        return None
    if not url.startswith(("redis://", "rediss://")):
        raise SettingsError(
            "FOTOFILA_RATE_LIMIT_URL: write it as redis://host:6379/0 or rediss://…; memory:// counts in each process."
        )
    return RedisStore(redis_storage(url))


def redis_storage(url: str) -> Storage:
    """Open Redis; connections are made when they are needed.

    Raises:
        SettingsError: the client is not installed, or the URL is wrong.
    """
    from limits.aio.storage import RedisStorage  # noqa: PLC0415 - few count in Redis

    try:
        return RedisStorage(
            f"async+{url}",
            wrap_exceptions=True,
            implementation="redispy",
            key_prefix="fotofila",
            socket_timeout=SOCKET_SECONDS,
            socket_connect_timeout=SOCKET_SECONDS,
        )
    except (ConfigurationError, ImportError) as error:
        raise SettingsError(
            "FOTOFILA_RATE_LIMIT_URL: Redis needs its client: pip install 'fotofila[redis]'."
        ) from error
    except ValueError as error:
        raise SettingsError(f"FOTOFILA_RATE_LIMIT_URL: {error}; write it as redis://host:6379/0.") from error


async def sweep(context: Context) -> int:
    """Remove counts that are over; returns how many."""
    if context.db.is_sqlite:
        return 0
    async with context.db.look() as connection:
        swept = await connection.execute(text("DELETE FROM rate_counts WHERE expires_at < now()"))
        return swept.rowcount
