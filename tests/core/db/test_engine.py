from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import MetaData, text
from sqlalchemy.exc import ArgumentError, IntegrityError, StatementError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from fotofila.core.db import Base, Database, insert_ignore
from fotofila.core.db.bare import keep
from fotofila.core.db.plain import Plain

EVER = 60.0


class Isolated(Base):
    __abstract__ = True
    metadata = MetaData()  # or every other test would find this table in the schema


class Note(Isolated):
    __tablename__ = "test_notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime | None]


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'test.db'}")
    async with database.engine.begin() as connection:
        await connection.run_sync(Isolated.metadata.create_all)
    yield database
    await database.close()


async def count(database: Database) -> int:
    async with database.read() as session:
        return int(await session.scalar(text("SELECT count(*) FROM test_notes")) or 0)


async def test_write_commits_when_its_block_ends_and_rolls_back_when_it_raises(database: Database) -> None:
    async with database.write() as session:
        session.add(Note(id=1))
    with pytest.raises(RuntimeError):
        await write_and_raise(database)
    assert await count(database) == 1


async def write_and_raise(database: Database) -> None:
    async with database.write() as session:
        session.add(Note(id=2))
        await session.flush()
        raise RuntimeError


async def test_writers_wait_for_each_other(database: Database) -> None:
    async def write(number: int) -> None:
        async with database.write() as session:
            before = await session.scalar(text("SELECT count(*) FROM test_notes"))
            await asyncio.sleep(0)
            session.add(Note(id=number))
            await session.flush()
            assert await session.scalar(text("SELECT count(*) FROM test_notes")) == (before or 0) + 1

    await asyncio.gather(*(write(number) for number in range(30)))
    assert await count(database) == 30


async def test_reader_is_not_kept_waiting_by_a_writer(database: Database) -> None:
    async with database.write() as session:
        session.add(Note(id=1))
        await session.flush()
        async with asyncio.timeout(20):  # SQLite gives up after 30
            assert await count(database) == 0
    assert await count(database) == 1


async def test_those_who_open_a_fresh_file_at_once_all_succeed(tmp_path: Path) -> None:
    async def write(database: Database) -> None:
        async with database.write() as session:
            await session.execute(text("CREATE TABLE IF NOT EXISTS t (x)"))
            await session.execute(text("INSERT INTO t VALUES (1)"))

    for number in range(20):
        databases = [Database(f"sqlite:///{tmp_path / f'{number}.db'}") for _ in range(12)]
        await asyncio.gather(*(write(database) for database in databases))
        async with databases[0].read() as session:
            assert await session.scalar(text("SELECT count(*) FROM t")) == len(databases)
        for database in databases:
            await database.close()


async def test_connections_are_durable_and_mind_foreign_keys(database: Database) -> None:
    async with database.read() as session:
        told = [
            (await session.execute(text(f"PRAGMA {name}"))).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]
    assert told == ["wal", 2, 1, 30_000]


async def test_times_come_back_aware_and_in_utc(database: Database) -> None:
    at = datetime(2026, 3, 4, 5, 6, 7, 890, tzinfo=timezone(timedelta(hours=-3)))
    async with database.write() as session:
        session.add_all([Note(id=1, at=at), Note(id=2)])
    async with database.read() as session:
        first, second = await session.get_one(Note, 1), await session.get_one(Note, 2)
    assert (first.at, second.at) == (at, None)
    assert first.at is not None
    assert first.at.tzinfo is UTC


async def test_naive_time_is_refused(database: Database) -> None:
    with pytest.raises(StatementError, match="zone"):
        await add_naive(database)


async def add_naive(database: Database) -> None:
    async with database.write() as session:
        session.add(Note(id=1, at=datetime(2026, 1, 1)))  # noqa: DTZ001 - that is the point


async def test_insert_ignore_leaves_the_row_that_is_there(database: Database) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    for value in (at, at + timedelta(days=1)):
        async with database.write() as session:
            await session.execute(insert_ignore(session, Note).values(id=1, at=value))
    async with database.read() as session:
        assert (await session.get_one(Note, 1)).at == at


async def test_broken_constraint_is_an_error_without_insert_ignore(database: Database) -> None:
    async with database.write() as session:
        session.add(Note(id=1))
    with pytest.raises(IntegrityError):
        await add_first(database)


async def add_first(database: Database) -> None:
    async with database.write() as session:
        session.add(Note(id=1))


async def test_waiter_is_told_of_a_commit_since_its_mark(database: Database, tmp_path: Path) -> None:
    other = Database(f"sqlite:///{tmp_path / 'test.db'}")
    for writer in (other, database):
        mark = database.changes.mark()
        waiting = asyncio.create_task(database.changes.wait(2 * EVER, since=mark))
        async with writer.write() as session:
            session.add(Note())
        async with asyncio.timeout(EVER):
            await waiting
        assert database.changes.mark() != mark
    await other.close()


async def test_commit_between_the_look_and_the_wait_is_not_missed(database: Database, tmp_path: Path) -> None:
    other = Database(f"sqlite:///{tmp_path / 'test.db'}")
    for _ in range(20):
        mark = database.changes.mark()
        async with other.write() as session:
            session.add(Note())
        async with asyncio.timeout(EVER):
            await database.changes.wait(2 * EVER, since=mark)
        assert database.changes.mark() != mark
    await other.close()


async def test_waiter_returns_at_its_deadline_when_nothing_happens(database: Database) -> None:
    mark = database.changes.mark()
    async with asyncio.timeout(EVER):
        await database.changes.wait(0.01, since=mark)
    assert database.changes.mark() == mark


@pytest.mark.parametrize("url", ["mysql://u:p@h/d", "nonsense", "oracle://x"])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(ArgumentError):
        Database(url)


async def test_what_need_not_be_durable_is_not_synced_and_what_follows_is(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/some.db")

    async def level(plain: Plain, _session: AsyncSession) -> int:
        ((found,),) = await plain.rows("PRAGMA synchronous")
        return int(found)

    normal, full = 1, 2
    assert await database.transact_plainly(level) == full
    assert await database.transact_plainly(level, durably=False) == normal
    assert await database.transact_plainly(level) == full
    await database.close()


async def test_part_of_a_session_is_a_part_of_the_transaction(database: Database) -> None:
    """What a session takes back is its own; what the whole takes back is the session's too."""
    async with database.write() as session:
        await session.execute(text("CREATE TABLE test_parts (name text)"))

    async def work(plain: Plain, session: AsyncSession) -> None:
        await plain.rows("INSERT INTO test_parts VALUES ('plain')")
        await session.execute(text("INSERT INTO test_parts VALUES ('lost')"))
        await session.rollback()
        await session.execute(text("INSERT INTO test_parts VALUES ('kept')"))
        await keep(session)

    async def fail(plain: Plain, session: AsyncSession) -> None:
        await work(plain, session)
        raise LookupError

    await database.transact_plainly(work)
    with pytest.raises(LookupError):
        await database.transact_plainly(fail)
    async with database.read() as session:
        assert sorted(await session.scalars(text("SELECT name FROM test_parts"))) == ["kept", "plain"]
