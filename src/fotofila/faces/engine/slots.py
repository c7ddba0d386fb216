"""Where the pace towards AWS is shared: in Redis or PostgreSQL by all replicas, else in a file by one machine's."""

from __future__ import annotations

from typing import Any

from limits.aio.storage import RedisStorage
from sqlalchemy import String, bindparam, text

from fotofila.api.rate_stores import redis_storage
from fotofila.core.aws.pace import Slots
from fotofila.core.aws.slot_file import FileSlots
from fotofila.core.config import Settings
from fotofila.core.db import Database
from fotofila.core.errors import UnavailableError

FILE = "aws-pace.json"
MICROSECONDS = 1_000_000

TAKE = text(
    """
    INSERT INTO rate_counts AS r (bucket, period, hits, hits_before, allowed, expires_at)
    VALUES (:bucket, (extract(epoch FROM clock_timestamp()) * 1e6)::bigint + :gap, 0, 0, true,
            clock_timestamp() + interval '1 hour')
    ON CONFLICT (bucket) DO UPDATE SET
        period = greatest(r.period, (extract(epoch FROM clock_timestamp()) * 1e6)::bigint) + :gap,
        expires_at = clock_timestamp() + interval '1 hour'
    RETURNING period - :gap - (extract(epoch FROM clock_timestamp()) * 1e6)::bigint
    """
).bindparams(bindparam("bucket", type_=String()))
PUSH = text(
    """
    INSERT INTO rate_counts AS r (bucket, period, hits, hits_before, allowed, expires_at)
    VALUES (:bucket, (extract(epoch FROM clock_timestamp()) * 1e6)::bigint + :rest, 0, 0, true,
            clock_timestamp() + interval '1 hour')
    ON CONFLICT (bucket) DO UPDATE SET
        period = greatest(r.period, (extract(epoch FROM clock_timestamp()) * 1e6)::bigint + :rest),
        expires_at = clock_timestamp() + interval '1 hour'
    """
).bindparams(bindparam("bucket", type_=String()))

REDIS_TAKE = """
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local at = math.max(now, tonumber(redis.call('GET', KEYS[1]) or 0))
redis.call('SET', KEYS[1], string.format('%d', at + ARGV[1]), 'EX', 3600)
return string.format('%d', at - now)
"""
REDIS_PUSH = """
local t = redis.call('TIME')
local at = math.max(t[1] * 1000000 + t[2] + ARGV[1], tonumber(redis.call('GET', KEYS[1]) or 0))
redis.call('SET', KEYS[1], string.format('%d', at), 'EX', 3600)
"""


class PostgresSlots:
    """Keeps the moments as rows of `rate_counts`, by the clock of the database; the table is never on disk for long."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, bucket: str, *, gap_seconds: float) -> float:
        """Take the next slot."""
        values = {"bucket": f"pace/{bucket}", "gap": round(gap_seconds * MICROSECONDS)}
        async with self._database.look() as connection:
            wait = (await connection.execute(TAKE, values)).scalar_one()
        return max(0.0, int(wait) / MICROSECONDS)

    async def push(self, bucket: str, *, seconds: float) -> None:
        """Leave some seconds free."""
        values = {"bucket": f"pace/{bucket}", "rest": round(seconds * MICROSECONDS)}
        async with self._database.look() as connection:
            await connection.execute(PUSH, values)

    async def close(self) -> None:
        """Nothing of its own is open."""


class RedisSlots:
    """Keeps the moments as keys of Redis, by its clock."""

    def __init__(self, storage: RedisStorage) -> None:
        bridge: Any = storage.bridge
        self._redis: Any = bridge.storage
        found: Any = storage.base_exceptions
        self._faults: tuple[type[Exception], ...] = (*(found if isinstance(found, tuple) else (found,)), OSError)

    async def take(self, bucket: str, *, gap_seconds: float) -> float:
        """Take the next slot."""
        return int(await self._eval(REDIS_TAKE, bucket, gap_seconds)) / MICROSECONDS

    async def push(self, bucket: str, *, seconds: float) -> None:
        """Leave some seconds free."""
        await self._eval(REDIS_PUSH, bucket, seconds)

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def _eval(self, script: str, bucket: str, seconds: float) -> Any:
        try:
            return await self._redis.eval(script, 1, f"fotofila:pace:{bucket}", round(seconds * MICROSECONDS))
        except self._faults as error:
            raise UnavailableError("Redis, which shares the pace towards AWS, does not answer.") from error


def choose_slots(settings: Settings, database: Database) -> Slots:
    """Choose where requests of a rate limit are counted, too.

    Raises:
        SettingsError: the client of Redis is not installed, or FOTOFILA_RATE_LIMIT_URL is wrong.
    """
    url = settings.rate_limit_url.get_secret_value()
    if url.startswith(("redis://", "rediss://")):
        storage = redis_storage(url)
        assert isinstance(storage, RedisStorage)  # noqa: S101 - what it makes of such a URL
        return RedisSlots(storage)
    if not url and not database.is_sqlite:
        return PostgresSlots(database)
    return FileSlots(settings.data_dir / FILE)
