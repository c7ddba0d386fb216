"""The connection that units of work are written through: one after the other, as SQLite would have them do anyway."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Coroutine, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from fotofila.core.db.outages import DatabaseUnavailableError
from fotofila.core.db.sqlite_driver import drive
from fotofila.core.db.together import PlainWrite, Row
from fotofila.core.sqlite import Lane, begin_writing

T = TypeVar("T")

Work = Callable[[AsyncSession], Coroutine[Any, Any, T]]


class SqliteWriter:
    """A thread with a connection for sessions and one for plain statements; they begin with the first work."""

    def __init__(self, make_engine: Callable[[Lane], AsyncEngine], connect: Callable[[], sqlite3.Connection]) -> None:
        self._make_engine = make_engine
        self._connect = connect
        self._lane: Lane | None = None
        self._plain: sqlite3.Connection | None = None

    def _begun(self) -> Lane:
        if self._lane is None:
            self._lane = Lane("sqlite-writer")
            self._engine = self._make_engine(self._lane)
            self._sessions = async_sessionmaker(self._engine.execution_options(writes=True), expire_on_commit=False)
        return self._lane

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

    async def write(self, plain: PlainWrite, rows: Sequence[Row]) -> AbstractSet[str]:
        """Write rows; return the ids of those that were, none where it failed and left nothing.

        Raises:
            DatabaseUnavailableError: another process held the write lock for too long.
        """
        return await self._begun().run(lambda: self._write(plain, rows))

    def _write(self, plain: PlainWrite, rows: Sequence[Row]) -> AbstractSet[str]:
        try:
            if self._plain is None:
                self._plain = self._connect()
            begin_writing(self._plain)
            with self._plain:
                return plain.sqlite(self._plain, rows)
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
            if self._plain is not None:
                await self._lane.run(self._plain.close)
                self._plain = None
            self._lane.end()
            self._lane = None
