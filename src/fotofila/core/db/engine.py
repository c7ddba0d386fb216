"""Engines and sessions.

`read()` opens a transaction that only reads; `write()` one that may write and commits when its block ends. On SQLite a
writing transaction begins with `BEGIN IMMEDIATE`: it takes the one write lock at the start, where waiting is harmless,
and not at its first write, where SQLite would answer "database is locked" without waiting.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import orjson
from sqlalchemy import URL, Connection, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import Pool, StaticPool

from fotofila.core.db import sqlite_driver
from fotofila.core.db.bare import Bare, bare, unit
from fotofila.core.db.changes import Changes
from fotofila.core.db.gaps import dump_json
from fotofila.core.db.notify import NotifiedChanges
from fotofila.core.db.postgres_writer import PostgresWriter
from fotofila.core.db.postgresql import PostgresOptions, connect, postgresql_engine, shown
from fotofila.core.db.quick import QUICKLY
from fotofila.core.db.sqlite_bare import plain_value
from fotofila.core.db.sqlite_writer import PlainWork, SqliteWriter, Work
from fotofila.core.db.together import Gathering, PlainWrite, Row
from fotofila.core.lanes import Lane
from fotofila.core.sqlite import SqliteChanges, enter_wal

BUSY_SECONDS = 30
PARAMETER = re.compile(r":(\w+)")
PRAGMAS = ("synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_SECONDS * 1000}")

T = TypeVar("T")


class Database:
    """One database, SQLite or PostgreSQL."""

    def __init__(self, url: str, options: PostgresOptions | None = None) -> None:
        self.is_sqlite = not is_postgresql(url)
        self.options = options or PostgresOptions()
        self.url = url
        self.changes: Changes
        self._writer: SqliteWriter | None = None
        self._gatherings: dict[PlainWrite, Gathering] = {}
        if self.is_sqlite:
            parsed = async_url(url)
            self.engine = sqlite_engine(parsed)
            self.file = Path(parsed.database or "")
            self._writer = SqliteWriter(lambda lane: sqlite_engine(parsed, poolclass=StaticPool, lane=lane))
            self.changes = SqliteChanges(self.file)
        else:
            self.engine = postgresql_engine(url, self.options)
            self._plain = PostgresWriter(url, self.options)
            self.changes = NotifiedChanges(
                connect=lambda: connect(url, self.options), execute=self._say, listens=not self.options.pooler
            )
        self._write = async_sessionmaker(self.engine.execution_options(writes=True), expire_on_commit=False)
        # Statements that read see what is committed when they begin, in a transaction or without one; so they go
        # without. Through a pooler they need one, to stay with one server process.
        level = "READ COMMITTED" if self.options.pooler else "AUTOCOMMIT"
        self._look = self.engine if self.is_sqlite else self.engine.execution_options(isolation_level=level)
        self._read = async_sessionmaker(self._look, expire_on_commit=False)

    @property
    def shown(self) -> str:
        """The URL without its password."""
        return self.url if self.is_sqlite else shown(self.url)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """Open a session that only reads."""
        session = self._read()
        session.info[QUICKLY] = self._ask
        try:
            yield session
        finally:
            if session.in_transaction():  # else nobody has used it
                await session.__aexit__(None, None, None)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """Open a session that may write; it commits when the block ends and rolls back when it raises."""
        async with self._write() as session, session.begin():
            yield session
        self.tell()

    async def transact(self, work: Work[T]) -> T:
        """Do a unit of work in a transaction that may write, and return what it returned; see `write`.

        For hot paths. `work` awaits its session and nothing else: on SQLite all of it runs on the thread of one
        connection, one hop for the whole and not one a statement. It may be committed although its caller was
        cancelled.
        """
        if self._writer is not None:
            return await self._writer.transact(work)
        async with self.write() as session:
            return await work(session)

    async def transact_plainly(self, work: PlainWork[T], *, durably: bool = True) -> T:
        """Do a unit of work by the driver alone, with a session in the same transaction for what cannot do without.

        For loops that never rest. As with `transact`, `work` awaits its connection and its session and nothing else.
        What its session did is kept by `bare.keep`, or not at all.
        What is not committed durably a power cut may take back on SQLite, but never alone: not without all that was
        committed after it.

        Raises:
            FotofilaError: what the driver met, where that is no bug.
        """
        if self._writer is not None:
            return await self._writer.transact_plainly(work, durably=durably)
        async with self.bare_unit() as (plain, session):
            return await work(plain, session)

    async def gather(self, write: PlainWrite, row: Row) -> bool:
        """Have a row written and committed, together with those that come at the same time; False where it was not.

        Then nothing of it was written, and the caller does without this.

        Raises:
            DatabaseUnavailableError: nobody knows whether it was written.
        """
        if not self.is_sqlite and self.options.pooler:
            return False  # prepared statements do not get through
        if write not in self._gatherings:
            self._gatherings[write] = Gathering(lambda rows: self._write_plain(write, rows))
        return await self._gatherings[write].add(row)

    async def _write_plain(self, write: PlainWrite, rows: Sequence[Row]) -> AbstractSet[str]:
        if self._writer is not None:
            return await self._writer.write(write, rows)
        written = await self._plain.write(write.postgresql, rows)
        if written:
            self.tell()
        return written

    async def has_row(self, query: str, **parameters: Any) -> bool:
        """Say whether a query (text that both databases read, `:name` for parameters) finds anything.

        For loops that look often and mostly find nothing. SQLite answers from a connection of its own, on the event
        loop, in tens of microseconds: a session costs a hundred times as much. The query must be answered by an index.
        """
        if isinstance(self.changes, SqliteChanges):
            values = {name: plain_value(value) for name, value in parameters.items()}
            return self.changes.has_row(query, values)
        return bool(await self._ask(query, parameters))

    async def _ask(self, query: str, parameters: Mapping[str, Any]) -> list[Any] | None:
        """Ask by the driver alone; see `quick_rows`."""
        if self.is_sqlite:
            return self.glance(query, **parameters)
        async with self.bare() as taken:
            return await taken.rows(numbered(query, tuple(parameters)), *parameters.values())

    def glance(self, query: str, **parameters: Any) -> list[Any] | None:
        """Return the rows of a short query of SQLite at once, as its driver gives them; None: ask by a session.

        On the event loop, as `has_row`: for hot paths, where a session costs fifty times as much. The query must be
        answered by an index, with few rows.
        """
        if not isinstance(self.changes, SqliteChanges):
            return None
        return self.changes.rows(query, {name: plain_value(value) for name, value in parameters.items()})

    @asynccontextmanager
    async def look(self) -> AsyncIterator[AsyncConnection]:
        """Open a connection for one statement, which is a transaction of its own."""
        async with self._look.connect() as connection:
            yield connection
            await connection.commit()

    @asynccontextmanager
    async def bare(self) -> AsyncIterator[Bare]:
        """Take a connection of PostgreSQL without SQLAlchemy between, for statements each of which is a transaction.

        What it commits nobody is told of: call `tell` where somebody waits for it.
        """
        async with bare(self.engine, pooler=self.options.pooler) as taken:
            yield taken

    @asynccontextmanager
    async def bare_unit(self) -> AsyncIterator[tuple[Bare, AsyncSession]]:
        """Begin a transaction on such a connection, with a session in it; it commits when the block ends."""
        async with bare(self.engine, pooler=self.options.pooler) as taken:
            async with unit(taken, self.engine) as session:
                yield taken, session
            if isinstance(self.changes, NotifiedChanges):
                await self.changes.tell_by(taken.run)

    def tell(self) -> None:
        """Wake whoever waits for commits; SQLite tells of them by itself."""
        if isinstance(self.changes, NotifiedChanges):
            self.changes.tell()

    async def _say(self, statement: str) -> None:
        if self._plain.is_open:
            await self._plain.say(statement)
            return
        async with self.bare() as taken:
            await taken.run(statement)

    async def close(self) -> None:
        """Close every connection."""
        for gathering in self._gatherings.values():
            await gathering.close()
        await self.changes.close()
        if self._writer is not None:
            await self._writer.close()
        else:
            await self._plain.close()
        await self.engine.dispose()


@cache
def numbered(query: str, names: tuple[str, ...]) -> str:
    """Write a query for PostgreSQL's driver, which numbers its parameters."""
    return PARAMETER.sub(lambda found: f"${names.index(found[1]) + 1}", query)


def is_postgresql(url: str) -> bool:
    """Say whether a URL names PostgreSQL."""
    return url.partition("://")[0].partition("+")[0] in {"postgresql", "postgres"}


def async_url(url: str) -> URL:
    """Read the URL of SQLite and name the driver that we use.

    Raises:
        ArgumentError: it is no URL, or one of a database that we do not know.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        raise ArgumentError(f"{parsed.drivername} is not known")
    return parsed.set(drivername=sqlite_driver.DRIVER)


def sqlite_engine(url: URL, *, poolclass: type[Pool] | None = None, lane: Lane | None = None) -> AsyncEngine:
    """Open SQLite for many processes: WAL, durable commits, foreign keys, a patient write lock."""
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    pool: dict[str, Any] = {"poolclass": poolclass} if poolclass else {"pool_size": 8, "max_overflow": 8}
    engine = create_async_engine(
        url,
        connect_args={"timeout": BUSY_SECONDS, "lane": lane},
        json_serializer=dump_json,
        json_deserializer=orjson.loads,
        **pool,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver must not begin transactions of its own
        cursor = connection.cursor()
        enter_wal(cursor.execute)
        for pragma in PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
