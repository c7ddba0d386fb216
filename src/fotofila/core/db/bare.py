"""PostgreSQL by its driver alone, for loops that never rest.

SQLAlchemy costs four times what a statement does, and a session six times more. What a loop does for every photo is a
handful of statements that stay as they are: those go to asyncpg directly, prepared once for each connection of the
pool.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from sqlalchemy import Connection, PoolProxiedConnection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from fotofila.core.db.outages import CHANGED, DatabaseUnavailableError, code_of, first_line, translate
from fotofila.core.errors import FotofilaError

STATEMENTS = "prepared"


class Bare:
    """A connection from the pool; its statements are PostgreSQL's own, with `$1`, and their rows the driver's.

    Errors of the driver are raised as ours, where they are no bugs.
    """

    is_sqlite = False

    def __init__(self, pooled: PoolProxiedConnection, *, pooler: bool) -> None:
        self.pooled = pooled
        self.broken = False
        self._driver: Any = pooled.driver_connection
        self._prepared: dict[str, Any] | None = None if pooler else pooled.info.setdefault(STATEMENTS, {})

    async def run(self, statement: str) -> None:
        """Run a statement without values and rows; nothing of it is kept prepared."""
        await self._told(self._driver.execute(statement))

    def among(self, number: int) -> str:
        """Write that a text is one of a list."""
        return f"= ANY(${number}::text[])"

    async def rows(self, statement: str, *values: Any) -> list[Any]:
        """Run a statement and return its rows."""
        if self._prepared is None:
            return await self._unprepared(statement, values)
        if (known := self._prepared.get(statement)) is None:
            known = self._prepared[statement] = await self._told(self._driver.prepare(statement))
        return list(await self._told(known.fetch(*values)))

    async def _unprepared(self, statement: str, values: Sequence[Any]) -> list[Any]:
        if self._driver.is_in_transaction():
            return list(await self._told(self._driver.fetch(statement, *values)))
        async with self.transaction():  # or a pooler would hand its two halves to two server processes
            return list(await self._told(self._driver.fetch(statement, *values)))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """Make one transaction of what follows."""
        transaction = self._driver.transaction(isolation="read_committed")
        await self._told(transaction.start())
        try:
            yield
        except BaseException:
            if not self.broken:
                with suppress(FotofilaError):  # a connection that broke rolls back by itself
                    await self._told(transaction.rollback())
            raise
        await self._told(transaction.commit())

    async def _told(self, answer: Awaitable[Any]) -> Any:
        try:
            return await answer
        except asyncio.CancelledError:
            self.broken = True
            raise
        except Exception as error:
            if (ours := meaning(error)) is None:
                raise
            code = code_of(error)
            self.broken = not code  # it gave no answer, or an answer to something else
            if code == CHANGED and self._prepared:
                self._prepared.clear()
            raise ours from error


@asynccontextmanager
async def bare(engine: AsyncEngine, *, pooler: bool) -> AsyncIterator[Bare]:
    """Take a connection. Through a pooler nothing is kept prepared, and every statement is in a transaction.

    Raises:
        DatabaseUnavailableError: there is none to be had.
    """
    pooled = await engine.raw_connection()
    taken = Bare(pooled, pooler=pooler)
    try:
        yield taken
    finally:
        if taken.broken:
            pooled.invalidate()
        pooled.close()


@asynccontextmanager
async def unit(taken: Bare, engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
    """Begin a transaction, with a session in it for what cannot do without; its part is kept by `keep`.

    What the session begins is a savepoint.
    """
    plain = Connection(engine.sync_engine, taken.pooled).execution_options(writes=True)  # as of `Database.write`
    connection = AsyncConnection(engine, plain)
    session = AsyncSession(connection, expire_on_commit=False)
    async with taken.transaction():
        try:
            yield session
        finally:
            if session.in_transaction():  # or it was never used, and there is nothing to close
                before, taken.broken = taken.broken, True  # unless closing it leaves nothing behind
                await session.close()
                taken.broken = before


async def keep(session: AsyncSession) -> None:
    """Have the transaction keep what its session did or has to do, if that is anything."""
    if session.new or session.dirty or session.deleted:
        await session.flush()
    if (transaction := session.get_transaction()) is not None:
        await transaction.commit()


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
