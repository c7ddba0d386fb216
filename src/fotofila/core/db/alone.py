"""Doing something that no other process does meanwhile: one reconciler, one sweeper, however many are started."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fotofila.core.db.engine import Database
from fotofila.core.db.notify import driver_errors
from fotofila.core.db.outages import translate
from fotofila.core.db.postgresql import IDLE_SECONDS, connect
from fotofila.core.observability.logs import get_logger

log = get_logger(__name__)

SIGN_OF_LIFE_SECONDS = IDLE_SECONDS / 3
TAKE = "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))"


@asynccontextmanager
async def alone(database: Database, name: str) -> AsyncIterator[bool]:
    """Give True to one process at a time, False at once to every other.

    On PostgreSQL the name is held by a transaction that does nothing else, on a connection of its own. The server ends
    it when its process dies, and when it gives no sign of life for half a minute: who is stopped holds nobody up. What
    is done under it must therefore be safe to do twice, it only is not done twice as a rule. On SQLite, where all
    processes are on one machine, everybody gets True.

    Raises:
        UnavailableError: the database does not answer.
    """
    if database.is_sqlite:
        yield True
        return
    connection = await connect(database.url, database.options)
    living: asyncio.Task[None] | None = None
    try:
        if mine := await take(connection, name):
            living = asyncio.create_task(live(connection, name), name=f"alone-{name}")
        yield mine
    finally:
        if living is not None:
            living.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await living
        connection.terminate()


async def take(connection: Any, name: str) -> bool:
    """Take a name for as long as the connection lives."""
    try:
        await connection.execute("BEGIN")
        return bool(await connection.fetchval(TAKE, name))
    except driver_errors() as error:
        raise translate(error) or error from error


async def live(connection: Any, name: str) -> None:
    """Give signs of life until cancelled."""
    try:
        while True:
            await asyncio.sleep(SIGN_OF_LIFE_SECONDS)
            await connection.execute("SELECT 1")
    except driver_errors() as error:
        log.warning("alone.lost", name=name, error=repr(error))
