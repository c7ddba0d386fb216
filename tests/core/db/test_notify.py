"""Hearing of commits on PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from fotofila.core.db import Database, PostgresOptions
from fotofila.core.db.alone import alone
from fotofila.core.db.notify import NotifiedChanges
from fotofila.testing.servers import PostgresServer

EVER = 60.0


@pytest.fixture
async def pair(postgres_url: str) -> AsyncIterator[tuple[Database, Database]]:
    """Two processes, as far as the database can tell."""
    databases = Database(postgres_url), Database(postgres_url)
    async with databases[0].write() as session:
        await session.execute(text("CREATE TABLE notes (id serial)"))
    yield databases
    for database in databases:
        await database.close()


async def commit(database: Database) -> None:
    async with database.write() as session:
        await session.execute(text("INSERT INTO notes DEFAULT VALUES"))


async def listens(database: Database) -> None:
    """Wait until a database hears of the commits of others."""
    changes = database.changes
    assert isinstance(changes, NotifiedChanges)
    async with asyncio.timeout(EVER):
        while not changes._hears:
            await changes.wait(0.05, since=changes.mark())


async def test_commit_of_another_process_ends_the_wait(pair: tuple[Database, Database]) -> None:
    here, there = pair
    await listens(here)
    for writer in (there, here):
        mark = here.changes.mark()
        waiting = asyncio.create_task(here.changes.wait(2 * EVER, since=mark))
        await commit(writer)
        async with asyncio.timeout(EVER):
            await waiting
        assert here.changes.mark() != mark


async def test_commit_between_the_look_and_the_wait_is_not_missed(pair: tuple[Database, Database]) -> None:
    here, there = pair
    await listens(here)
    for _ in range(10):
        mark = here.changes.mark()
        await commit(there)
        async with asyncio.timeout(EVER):
            await here.changes.wait(2 * EVER, since=mark)
        assert here.changes.mark() != mark


async def test_commits_while_a_word_is_under_way_are_told_in_one_more() -> None:
    words: asyncio.Queue[str] = asyncio.Queue()
    may_end = asyncio.Semaphore(0)

    async def say(word: str) -> None:
        words.put_nowait(word)
        await may_end.acquire()

    changes = NotifiedChanges(connect=asyncio.Event().wait, execute=say)
    changes.tell()
    first = await words.get()
    for _ in range(100):
        changes.tell()
    may_end.release()
    assert await words.get() == first
    may_end.release()
    await changes.close()
    assert words.empty()


async def test_what_was_committed_while_nobody_listened_is_looked_for(tmp_path: Path) -> None:
    with PostgresServer(tmp_path) as server:
        here = Database(server.url)
        await listens(here)
        mark = here.changes.mark()
        await asyncio.to_thread(server.kill)
        async with asyncio.timeout(EVER):
            await here.changes.wait(2 * EVER, since=mark)  # who waits looks again at once
        assert (deaf := here.changes.mark()) != mark
        await asyncio.to_thread(server.start)
        await listens(here)
        assert here.changes.mark() != deaf
        await here.close()


async def test_without_listening_nobody_sleeps_long(postgres_url: str) -> None:
    database = Database(postgres_url, PostgresOptions(pooler=True))
    mark = database.changes.mark()
    async with asyncio.timeout(EVER):
        await database.changes.wait(2 * EVER, since=mark)
    assert database.changes.mark() == mark
    await database.close()


async def test_last_commit_of_a_process_is_told_before_it_ends(
    pair: tuple[Database, Database], postgres_url: str
) -> None:
    here, _ = pair
    await listens(here)
    short = Database(postgres_url)
    mark = here.changes.mark()
    await commit(short)
    await short.close()
    async with asyncio.timeout(EVER):
        await here.changes.wait(2 * EVER, since=mark)
    assert here.changes.mark() != mark


async def test_one_at_a_time_is_alone(pair: tuple[Database, Database]) -> None:
    here, there = pair
    async with alone(here, "sweeper") as first, alone(there, "sweeper") as second, alone(there, "reconciler") as other:
        assert (first, second, other) == (True, False, True)
    async with alone(there, "sweeper") as third:
        assert third


async def test_name_of_a_process_that_dies_is_free_again(pair: tuple[Database, Database]) -> None:
    here, there = pair
    async with alone(here, "sweeper"):
        async with there.write() as session:  # as the server does with who gives no sign of life
            ended = await session.scalars(
                text("SELECT pg_terminate_backend(pid, 20000) FROM pg_locks WHERE locktype = 'advisory' AND granted")
            )
            assert list(ended) == [True]
        async with alone(there, "sweeper") as mine:
            assert mine


async def test_everybody_is_alone_on_sqlite(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'a.db'}")
    async with alone(database, "sweeper") as first, alone(database, "sweeper") as second:
        assert first
        assert second
    await database.close()
