from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from fotofila.core.file_events import FileEvents
from fotofila.core.sqlite import SqliteChanges

EVER = 60.0


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(tmp_path / "some.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE rows (n)")
        yield connection


async def all_wait() -> None:
    """Let those who wait begin to listen, or to look."""
    for _ in range(3):
        await asyncio.sleep(0)


async def test_commits_of_others_wake_who_waits(tmp_path: Path, writer: sqlite3.Connection) -> None:
    changes = SqliteChanges(tmp_path / "some.db")
    async with asyncio.timeout(EVER):
        for _ in range(3):
            mark = changes.mark()
            waiting = asyncio.create_task(changes.wait(2 * EVER, since=mark))
            await all_wait()
            writer.execute("INSERT INTO rows VALUES (1)")
            await waiting
            assert changes.mark() != mark
    await changes.close()


async def test_who_waits_is_woken_for_what_is_worth_it(tmp_path: Path, writer: sqlite3.Connection) -> None:
    changes = SqliteChanges(tmp_path / "some.db")
    mark, asked = changes.mark(), []

    def worth() -> bool:
        asked.append(changes.has_row("SELECT 1 FROM rows WHERE n = 2", ()))
        return asked[-1]

    async with asyncio.timeout(EVER):
        waiting = asyncio.create_task(changes.wait(2 * EVER, since=mark, worth=worth))
        any_commit = asyncio.create_task(changes.wait(2 * EVER, since=mark))
        await all_wait()
        writer.execute("INSERT INTO rows VALUES (1)")
        await any_commit
        assert (asked, waiting.done()) == ([False], False)
        writer.execute("INSERT INTO rows VALUES (2)")
        await waiting
    assert asked == [False, True]
    await changes.close()


async def test_commits_to_a_file_without_a_log_are_looked_for(tmp_path: Path, writer: sqlite3.Connection) -> None:
    writer.execute("PRAGMA journal_mode=DELETE")
    changes = SqliteChanges(tmp_path / "some.db")
    async with asyncio.timeout(EVER):
        mark = changes.mark()
        waiting = asyncio.create_task(changes.wait(2 * EVER, since=mark))
        await all_wait()
        writer.execute("INSERT INTO rows VALUES (1)")
        await waiting
    assert changes.mark() != mark
    await changes.close()


async def test_who_waits_too_long_is_let_go(tmp_path: Path, writer: sqlite3.Connection) -> None:
    changes = SqliteChanges(tmp_path / "some.db")
    mark = changes.mark()
    async with asyncio.timeout(EVER):
        await changes.wait(0.01, since=mark)
    assert changes.mark() == mark
    await changes.close()


@pytest.mark.skipif(sys.platform != "linux", reason="nobody tells elsewhere")
async def test_a_write_since_arming_is_heard_once(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    events = FileEvents(file)
    assert events.arm()
    file.write_bytes(b"x")
    file.write_bytes(b"y")
    assert await events.heard(EVER)
    assert events.arm()
    assert not await events.heard(0.01)
    file.write_bytes(b"z")
    assert await events.heard(EVER)
    events.close()


def test_file_that_is_not_there_has_to_be_looked_at(tmp_path: Path) -> None:
    events = FileEvents(tmp_path / "none")
    assert not events.arm()
    events.close()
    assert not events.arm()
