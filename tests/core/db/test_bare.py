from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from fotofila.core.db import Database, DatabaseUnavailableError, PostgresOptions
from fotofila.core.db.bare import keep
from fotofila.core.errors import ConflictError, InvalidInputError

COUNT = "SELECT count(*) AS n FROM notes"
ADD = "INSERT INTO notes (id, at) VALUES ($1, $2)"
ASLEEP = "SELECT 1 FROM pg_stat_activity WHERE pid = :pid AND wait_event = 'PgSleep'"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(params=[False, True], ids=["direct", "pooler"])
async def database(request: pytest.FixtureRequest, postgres_url: str) -> AsyncIterator[Database]:
    database = Database(postgres_url, PostgresOptions(pool_size=1, pooler=request.param))
    async with database.write() as session:
        await session.execute(text("CREATE TABLE notes (id integer PRIMARY KEY, at timestamptz)"))
    yield database
    await database.close()


async def count(database: Database) -> int:
    async with database.bare() as bare:
        return int((await bare.rows(COUNT))[0]["n"])


async def add_and_raise(database: Database) -> None:
    async with database.bare_unit() as (bare, session):
        await bare.rows(ADD, 1, NOW)
        await session.execute(text("INSERT INTO notes (id) VALUES (2)"))
        await keep(session)
        raise RuntimeError


async def test_transaction_with_a_session_in_it_is_kept_whole_or_not_at_all(database: Database) -> None:
    with pytest.raises(RuntimeError):
        await add_and_raise(database)
    assert await count(database) == 0
    async with database.bare_unit() as (bare, session):
        await bare.rows(ADD, 1, NOW)
        await session.execute(text("INSERT INTO notes (id) VALUES (2)"))
        await keep(session)
    assert await count(database) == 2
    assert await database.has_row("SELECT 1 FROM notes WHERE at <= :now AND id = :id LIMIT 1", now=NOW, id=1)
    assert not await database.has_row("SELECT 1 FROM notes WHERE id > :id LIMIT 1", id=2)


async def ask(database: Database, statement: str, *values: object) -> None:
    async with database.bare() as bare:
        await bare.rows(statement, *values)


async def test_errors_are_told_in_our_words_and_the_connection_goes_on(database: Database) -> None:
    backend = await pid(database)
    await ask(database, ADD, 1, NOW)
    with pytest.raises(ConflictError):
        await ask(database, ADD, 1, NOW)
    with pytest.raises(InvalidInputError):
        await ask(database, ADD, "one", NOW)
    with pytest.raises(DatabaseUnavailableError):
        await sleep_too_long(database)
    assert await count(database) == 1
    assert await pid(database) == backend


async def sleep_too_long(database: Database) -> None:
    async with database.bare() as bare, bare.transaction():
        await bare.rows("SET LOCAL statement_timeout = 100")
        await bare.rows("SELECT pg_sleep(60)")


async def test_statement_without_an_answer_costs_its_connection_and_no_other(postgres_url: str) -> None:
    """The server has no limit here: we wait as long as we would beyond its own."""
    database = Database(postgres_url, PostgresOptions(pool_size=1, statement_seconds=0))
    backend = await pid(database)
    with pytest.raises(DatabaseUnavailableError):
        await ask(database, "SELECT pg_sleep(60)")
    assert await pid(database) != backend
    await database.close()


async def pid(database: Database) -> int:
    async with database.bare() as bare:
        return int((await bare.rows("SELECT pg_backend_pid() AS pid"))[0]["pid"])


async def test_cancelled_statement_leaves_a_connection_for_the_next(database: Database) -> None:
    backend = await pid(database)
    asking = asyncio.create_task(ask(database, "SELECT pg_sleep(60)"))
    watching = Database(database.url)
    async with asyncio.timeout(20):
        while not await watching.has_row(ASLEEP, pid=backend):
            pass
    await watching.close()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert await count(database) == 0
    assert await pid(database) != backend


async def test_statements_stay_prepared_in_the_server(database: Database) -> None:
    for _ in range(2):
        await ask(database, "SELECT id FROM notes")
        async with database.read() as session:
            await session.execute(text("SELECT id + 1 FROM notes"))
    async with database.bare() as bare:
        found = await bare.rows("SELECT statement FROM pg_prepared_statements WHERE statement LIKE '%FROM notes'")
    assert len(found) == (0 if database.options.pooler else 2)


async def change(database: Database) -> None:
    """Give a table a column more."""
    async with database.write() as session:
        await session.execute(text("ALTER TABLE notes ADD COLUMN more integer DEFAULT 7"))
        await session.execute(text("INSERT INTO notes (id) VALUES (1)"))


def changed(database: Database) -> AbstractContextManager[object]:
    """Expect that what was prepared fits no more."""
    return nullcontext() if database.options.pooler else pytest.raises(DatabaseUnavailableError)


async def test_table_that_changes_under_a_prepared_statement_is_asked_anew(database: Database) -> None:
    everything = "SELECT * FROM notes"
    await ask(database, everything)
    await change(database)
    with changed(database):
        await ask(database, everything)
    async with database.bare() as bare:
        assert [tuple(row) for row in await bare.rows(everything)] == [(1, None, 7)]


async def read(database: Database, statement: str) -> list[tuple[object, ...]]:
    async with database.read() as session:
        return [tuple(row) for row in await session.execute(text(statement))]


async def test_table_that_changes_under_a_session_is_asked_anew(database: Database) -> None:
    everything = "SELECT * FROM notes"
    await read(database, everything)
    await change(database)
    with changed(database):
        await read(database, everything)
    assert await read(database, everything) == [(1, None, 7)]
