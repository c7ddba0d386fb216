"""Where the pace towards AWS is shared: in Redis or PostgreSQL by all replicas, else in a file by one machine's."""

from __future__ import annotations

from sqlalchemy import String, bindparam, text

from fotofila.core.aws.pace import Slots
from fotofila.core.config import Settings
from fotofila.core.db import Database
from fotofila.faces.engine.worker_slots import MICROSECONDS, choose_worker_slots

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


def choose_slots(settings: Settings, database: Database) -> Slots:
    """Choose where requests of a rate limit are counted, too.

    Raises:
        SettingsError: the client of Redis is not installed, or FOTOFILA_RATE_LIMIT_URL is wrong.
    """
    if not settings.rate_limit_url.get_secret_value() and not database.is_sqlite:
        return PostgresSlots(database)
    return choose_worker_slots(settings)
