"""PostgreSQL by its driver alone, for loops that never rest.

SQLAlchemy costs four times what a statement does, and a session six times more. What a loop does for every photo is a
handful of statements that stay as they are: those go to asyncpg directly, prepared once for each connection of the
pool.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from fotofila.core.db.outages import DatabaseUnavailableError, code_of, first_line, translate
from fotofila.core.errors import FotofilaError

STATEMENTS = "prepared"
CHANGED = "0A000"
"""The tables were changed under a prepared statement (and nothing else that we ask for)."""


class Bare:
    """A connection from the pool; its statements are PostgreSQL's own, with `$1`, and their rows the driver's."""

    def __init__(self, connection: AsyncConnection, driver: Any, prepared: dict[str, Any] | None) -> None:
        self.connection = connection
        self._driver = driver
        self._prepared = prepared

    async def run(self, statement: str) -> None:
        """Run a statement without values and rows; nothing of it is kept prepared."""
        await self._driver.execute(statement)

    async def rows(self, statement: str, *values: Any) -> list[Any]:
        """Run a statement and return its rows."""
        if self._prepared is None:
            return await self._unprepared(statement, values)
        if (known := self._prepared.get(statement)) is None:
            known = self._prepared[statement] = await self._driver.prepare(statement)
        return list(await known.fetch(*values))

    async def _unprepared(self, statement: str, values: Sequence[Any]) -> list[Any]:
        if self._driver.is_in_transaction():
            return list(await self._driver.fetch(statement, *values))
        async with self.transaction():  # or a pooler would hand its two halves to two server processes
            return list(await self._driver.fetch(statement, *values))

    def session(self) -> AsyncSession:
        """Return a session on the same connection; what it commits is kept when the whole transaction is."""
        return AsyncSession(self.connection, expire_on_commit=False)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """Make one transaction of what follows."""
        async with self._driver.transaction(isolation="read_committed"):
            yield


@asynccontextmanager
async def bare(engine: AsyncEngine, *, pooler: bool) -> AsyncIterator[Bare]:
    """Take a connection. Through a pooler nothing is kept prepared, and every statement is in a transaction.

    Raises:
        FotofilaError: what the trouble of the database means in our words, where it is none of ours.
    """
    async with engine.connect() as connection:
        pooled = await connection.get_raw_connection()
        prepared = None if pooler else pooled.info.setdefault(STATEMENTS, {})
        try:
            yield Bare(connection, pooled.driver_connection, prepared)
        except asyncio.CancelledError:
            await connection.invalidate()
            raise
        except Exception as error:
            if (ours := meaning(error)) is None or ours is error:
                raise
            if not (code := code_of(error)):
                await connection.invalidate()  # it gave no answer, or an answer to something else
            if code == CHANGED and prepared:
                prepared.clear()
            raise ours from error


def meaning(error: Exception) -> FotofilaError | None:
    """Say what an error of the driver means; None where it is none of the driver's, or a bug."""
    import asyncpg  # noqa: PLC0415 - the embedded database needs no driver of another

    if code_of(error) == CHANGED:
        return DatabaseUnavailableError(first_line(error))
    if (ours := translate(error)) is not None:
        return ours
    client_side = asyncpg.InterfaceError | asyncpg.InternalClientError
    if isinstance(error, client_side) and not isinstance(error, ValueError):
        return DatabaseUnavailableError(first_line(error))
    return None
