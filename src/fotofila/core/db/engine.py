"""Engines and sessions.

`read()` opens a transaction that only reads; `write()` one that may write and commits when its block ends. On SQLite a
writing transaction begins with `BEGIN IMMEDIATE`: it takes the one write lock at the start, where waiting is harmless,
and not at its first write, where SQLite would answer "database is locked" without waiting.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, event, make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from fotofila.core.db.changes import Changes, PolledChanges
from fotofila.core.sqlite import SqliteChanges

BUSY_SECONDS = 30
WAL_TRIES = 250


class Database:
    """One database, SQLite or PostgreSQL."""

    def __init__(self, url: str) -> None:
        self.url = async_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = sqlite_engine(self.url) if self.is_sqlite else create_async_engine(self.url, pool_pre_ping=True)
        self._read = async_sessionmaker(self.engine, expire_on_commit=False)
        self._write = async_sessionmaker(self.engine.execution_options(writes=True), expire_on_commit=False)
        self.changes: Changes = SqliteChanges(Path(self.url.database or "")) if self.is_sqlite else PolledChanges()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """Open a session that only reads."""
        async with self._read() as session:
            yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """Open a session that may write; it commits when the block ends and rolls back when it raises."""
        async with self._write() as session, session.begin():
            yield session

    async def has_row(self, query: str, **parameters: Any) -> bool:
        """Say whether a query (text that both databases read, `:name` for parameters) finds anything.

        For loops that look often and mostly find nothing. SQLite answers from a connection of its own, on the event
        loop, in tens of microseconds: a session costs a hundred times as much. The query must be answered by an index.
        """
        if isinstance(self.changes, SqliteChanges):
            values = {name: sqlite_value(value) for name, value in parameters.items()}
            return self.changes.has_row(query, values)
        async with self.read() as session:
            return (await session.execute(text(query), parameters)).first() is not None

    async def close(self) -> None:
        """Close every connection."""
        await self.changes.close()
        await self.engine.dispose()


def sqlite_value(value: Any) -> Any:
    """Write a time as `UtcDateTime` keeps it in SQLite."""
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f") if isinstance(value, datetime) else value


def async_url(url: str) -> URL:
    """Name the driver that we use: aiosqlite or asyncpg."""
    parsed = make_url(url)
    drivers = {
        "sqlite": "sqlite+aiosqlite",
        "postgresql": "postgresql+asyncpg",
        "postgres": "postgresql+asyncpg",
    }
    return parsed.set(drivername=drivers.get(parsed.drivername, parsed.drivername))


def sqlite_engine(url: URL) -> AsyncEngine:
    """Open SQLite for many processes: WAL, durable commits, foreign keys, a patient write lock."""
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(url, connect_args={"timeout": BUSY_SECONDS}, pool_size=8, max_overflow=8)

    @event.listens_for(engine.sync_engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver must not begin transactions of its own
        cursor = connection.cursor()
        enter_wal(cursor)
        for pragma in ("synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_SECONDS * 1000}"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def enter_wal(cursor: Any) -> None:
    """Turn the write-ahead log on, which stays on in the file.

    Of processes that do so at once on a fresh file one may be told "database is locked" without any waiting: SQLite
    asks no busy handler there.
    """
    for _ in range(WAL_TRIES):
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            time.sleep(0.02)
        else:
            return
    cursor.execute("PRAGMA journal_mode=WAL")
