"""The connection that units of work are written through: one after the other, as SQLite would have them do anyway."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Coroutine, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, TypeVar, cast

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from fotofila.core.db.outages import DatabaseUnavailableError, full
from fotofila.core.db.plain import Plain
from fotofila.core.db.sqlite_bare import SqliteBare
from fotofila.core.db.sqlite_driver import Connection, drive
from fotofila.core.db.together import PlainWrite, Row
from fotofila.core.errors import FotofilaError
from fotofila.core.lanes import Lane
from fotofila.core.sqlite import begin_writing

T = TypeVar("T")

Work = Callable[[AsyncSession], Coroutine[Any, Any, T]]
PlainWork = Callable[[Plain, AsyncSession], Coroutine[Any, Any, T]]


class SqliteWriter:
    """A thread with one connection, for sessions and for plain statements; they begin with the first work.

    One for both: what another connection writes makes all that SQLite keeps of the file in memory worthless.
    """

    def __init__(self, make_engine: Callable[[Lane], AsyncEngine]) -> None:
        self._make_engine = make_engine
        self._lane: Lane | None = None
        self._only: Connection | None = None
        self._session: AsyncSession | None = None

    def _begun(self) -> Lane:
        if self._lane is None:
            self._lane = Lane("sqlite-writer")
            self._engine = self._make_engine(self._lane)
            self._sessions = async_sessionmaker(self._engine.execution_options(writes=True), expire_on_commit=False)
        return self._lane

    async def _connection(self) -> Connection:
        """Return the one connection of the engine, which nobody else uses at this time: this is its thread."""
        if self._only is None:
            pooled = await self._engine.raw_connection()
            self._only = cast("Connection", pooled.dbapi_connection)
            pooled.close()
        return self._only

    async def transact(self, work: Work[T]) -> T:
        """See `Database.transact`."""
        return await self._begun().run(lambda: drive(self._transaction(work)))

    async def _transaction(self, work: Work[T]) -> T:
        session = self._sessions()
        try:
            result = await work(session)
            await session.commit()
        finally:
            await session.close()
        return result

    async def transact_plainly(self, work: PlainWork[T], *, durably: bool) -> T:
        """See `Database.transact_plainly`."""
        if durably:
            return await self._begun().run(lambda: drive(self._plain_transaction(work)))
        return await self._begun().run(lambda: drive(self._unsynced(work)))

    async def _unsynced(self, work: PlainWork[T]) -> T:
        driver = (await self._connection()).driver
        driver.execute("PRAGMA synchronous=NORMAL")
        try:
            return await self._plain_transaction(work)
        finally:
            driver.execute("PRAGMA synchronous=FULL")

    async def _plain_transaction(self, work: PlainWork[T]) -> T:
        """Begin a transaction; what its session begins is a savepoint."""
        connection = await self._connection()
        session, self._session = self._session or self._sessions(), None
        try:
            begin_writing(connection.driver)
            connection.joins = True
            try:
                with connection.driver:
                    try:
                        result = await work(SqliteBare(connection.driver), session)
                    finally:
                        used = session.in_transaction()
                        if used:
                            await session.close()
            finally:
                connection.joins = False
        except sqlite3.OperationalError as error:
            raise meaning(error) from error
        if not (used or session.info):
            session.expunge_all()  # what it read may be changed by others until it is used again
            self._session = session  # as new: to make one costs more than a statement
        return result

    async def write(self, plain: PlainWrite, rows: Sequence[Row]) -> AbstractSet[str]:
        """Write rows; return the ids of those that were, none where it failed and left nothing.

        Raises:
            DatabaseUnavailableError: another process held the write lock for too long.
        """
        return await self._begun().run(lambda: drive(self._write(plain, rows)))

    async def _write(self, plain: PlainWrite, rows: Sequence[Row]) -> AbstractSet[str]:
        connection = (await self._connection()).driver
        try:
            begin_writing(connection)
            with connection:
                return plain.sqlite(connection, rows)
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
                raise DatabaseUnavailableError(str(error)) from error
            return frozenset()
        except UnicodeError:  # half a surrogate pair: whoever writes it alone is told
            return frozenset()

    async def close(self) -> None:
        """End the thread after what it has to do."""
        if self._lane is not None:
            await self._lane.run(lambda: drive(self._engine.dispose()))
            self._lane.end()
            self._lane = self._only = self._session = None


def meaning(error: sqlite3.OperationalError) -> FotofilaError:
    """Say in our words what kept SQLite from an answer."""
    return full() if "is full" in str(error) else DatabaseUnavailableError(str(error))
