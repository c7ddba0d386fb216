"""The connection that units of work are written through: one after the other, as SQLite would have them do anyway."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from fotofila.core.db.sqlite_driver import drive
from fotofila.core.sqlite import Lane

T = TypeVar("T")

Work = Callable[[AsyncSession], Coroutine[Any, Any, T]]


class SqliteWriter:
    """A thread with one connection; both begin with the first unit of work."""

    def __init__(self, make_engine: Callable[[Lane], AsyncEngine]) -> None:
        self._make_engine = make_engine
        self._lane: Lane | None = None

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

    async def close(self) -> None:
        """End the thread after what it has to do."""
        if self._lane is not None:
            await self._lane.run(lambda: drive(self._engine.dispose()))
            self._lane.end()
            self._lane = None
