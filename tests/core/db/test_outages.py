"""A PostgreSQL that is away, slow, or not what the settings say."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import InternalError

from fotofila.core.db import Database, DatabaseUnavailableError, PostgresOptions
from fotofila.core.db.migrate import prepare_database
from fotofila.core.db.outages import translate
from fotofila.core.errors import ConflictError, InvalidInputError, UnavailableError
from fotofila.testing.servers import PostgresServer

IMPATIENT = PostgresOptions(statement_seconds=0, pool_size=2)
"""The server has no limit; we wait as long as we would beyond its own."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PostgresServer]:
    with PostgresServer(tmp_path) as server:
        yield server


@asynccontextmanager
async def opened(url: str, options: PostgresOptions | None = None) -> AsyncIterator[Database]:
    database = Database(url, options)
    yield database
    await database.close()


async def ask(database: Database, statement: str = "SELECT 1") -> object:
    async with database.write() as session:
        return await session.scalar(text(statement))


async def reason_of(url: str) -> str:
    async with opened(url) as database:
        with pytest.raises(UnavailableError) as caught:
            await prepare_database(database)
    return caught.value.message


async def test_start_is_refused_in_a_sentence_that_names_the_mend(postgres_server: PostgresServer) -> None:
    port = postgres_server.port
    assert "has no database 'nosuch': make it with `createdb nosuch`" in await reason_of(
        postgres_server.database("nosuch")
    )
    assert "Nothing answers at 127.0.0.1:1 (connection refused)" in await reason_of("postgresql://u@127.0.0.1:1/x")
    assert "does not let 'nobody' in" in await reason_of(f"postgresql://nobody@127.0.0.1:{port}/postgres")
    assert "cannot be reached" in await reason_of(f"postgresql://u:p@127.0.0.1:{port}/postgres?sslmode=require")


async def test_wrong_password_is_told_and_never_shown(server: PostgresServer) -> None:
    server.psql("CREATE ROLE someone LOGIN PASSWORD 'right'")
    access = server.data / "pg_hba.conf"
    access.write_text("host all someone 127.0.0.1/32 scram-sha-256\n" + access.read_text())
    server.psql("SELECT pg_reload_conf()")
    where = f"127.0.0.1:{server.port}/postgres"
    told = await reason_of(f"postgresql://someone:wr%40ng@{where}")
    assert told == (
        f"PostgreSQL at 127.0.0.1:{server.port} refuses the password of the user 'someone': "
        "look at FOTOFILA_DATABASE_URL."
    )
    async with opened(f"postgres://someone:right@{where}?channel_binding=prefer") as database:
        assert await ask(database) == 1
        assert database.shown == f"postgres://someone@{where}"


async def test_server_that_comes_back_is_used_again(server: PostgresServer) -> None:
    async with opened(server.url) as database:
        await ask(database)
        server.kill()
        for _ in range(2):
            with pytest.raises(DatabaseUnavailableError) as caught:
                await ask(database)
            assert caught.value.headers["Retry-After"] == "5"
            assert str(server.port) not in caught.value.message
        server.start()
        assert await ask(database) == 1


async def test_restart_between_two_requests_is_not_noticed(server: PostgresServer) -> None:
    async with opened(server.url) as database:
        await asyncio.gather(ask(database), ask(database))
        await asyncio.to_thread(server.stop)
        await asyncio.to_thread(server.start)
        assert set(await asyncio.gather(ask(database), ask(database))) == {1}


async def test_server_that_says_nothing_is_given_up(server: PostgresServer) -> None:
    async with opened(server.url, IMPATIENT) as database:
        await ask(database)
        server.pause()
        async with asyncio.timeout(60):
            with pytest.raises(DatabaseUnavailableError):
                await ask(database)
        server.resume()
        assert await ask(database) == 1


async def test_slow_statement_ends_and_its_connection_is_used_on(postgres_url: str) -> None:
    async with opened(postgres_url, PostgresOptions(pool_size=1)) as database:
        backend = await ask(database, "SELECT pg_backend_pid()")
        with pytest.raises(DatabaseUnavailableError):
            await sleep_too_long(database)
        assert await ask(database, "SELECT pg_backend_pid()") == backend


async def sleep_too_long(database: Database) -> None:
    async with database.write() as session:
        await session.execute(text("SET LOCAL statement_timeout = 100"))
        await session.execute(text("SELECT pg_sleep(60)"))


async def test_impossible_values_are_not_taken_for_an_outage(postgres_url: str) -> None:
    async with opened(postgres_url) as database:
        async with database.write() as session:
            await session.execute(text("CREATE TABLE t (i integer PRIMARY KEY, s text)"))
            await session.execute(text("INSERT INTO t VALUES (1, 'a')"))
        impossible: dict[str, object] = {"s": "nul\0", "i": 2**40}
        for statement in ("INSERT INTO t VALUES (2, :s)", "INSERT INTO t VALUES (CAST(:i AS bigint), 'x')"):
            with pytest.raises(Exception, match=r"\w") as caught:
                await execute(
                    database, statement, {name: each for name, each in impossible.items() if f":{name}" in statement}
                )
            assert isinstance(translate(caught.value), InvalidInputError), caught.value
        with pytest.raises(Exception, match=r"\w") as caught:
            await execute(database, "INSERT INTO t VALUES (1, 'b')", {})
        assert isinstance(translate(caught.value), ConflictError)
        with pytest.raises(Exception, match=r"\w") as caught:
            await execute(database, "SELECT nonsense", {})
        assert translate(caught.value) is None


async def execute(database: Database, statement: str, values: dict[str, object]) -> None:
    async with database.write() as session:
        await session.execute(text(statement), values)


async def test_two_who_wait_for_each_other_are_told_to_try_again(postgres_url: str) -> None:
    async with opened(postgres_url) as database:
        await execute(database, "CREATE TABLE t (i integer PRIMARY KEY, n integer)", {})
        await execute(database, "INSERT INTO t VALUES (1, 0), (2, 0)", {})
        meet = asyncio.Barrier(2)

        async def move(first: int, second: int) -> None:
            async with database.write() as session:
                await session.execute(text("UPDATE t SET n = n + 1 WHERE i = :i"), {"i": first})
                await meet.wait()
                await session.execute(text("UPDATE t SET n = n + 1 WHERE i = :i"), {"i": second})

        ended = await asyncio.gather(move(1, 2), move(2, 1), return_exceptions=True)
        assert [type(each) for each in ended if each is not None] == [DatabaseUnavailableError]
        assert await ask(database, "SELECT sum(n) FROM t") == 2


async def test_transaction_of_a_process_that_sleeps_is_ended(postgres_url: str) -> None:
    async with opened(postgres_url) as database:
        assert await ask(database, "SHOW idle_in_transaction_session_timeout") == "30s"
        assert await ask(database, "SHOW statement_timeout") == "30s"


async def test_behind_a_pooler_nothing_is_left_on_a_connection(postgres_url: str) -> None:
    async with opened(postgres_url, PostgresOptions(pooler=True, pool_size=1)) as database:
        for _ in range(3):
            assert await ask(database, "SELECT count(*) FROM pg_prepared_statements WHERE name <> ''") == 0
        assert await database.has_row("SELECT 1")
        assert await ask(database, "SHOW application_name") == ""
        with contextlib.suppress(TimeoutError):
            await database.changes.wait(0.01, since=database.changes.mark())
        assert await ask(database, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'") == 0


def test_connection_that_the_driver_lost_track_of_is_an_outage() -> None:
    """As after a cut in the middle of a statement; the next connection is a good one."""
    lost = InternalError("SELECT 1", {}, Exception("cannot switch to state 15; another operation (2) is in progress"))
    assert isinstance(translate(lost), DatabaseUnavailableError)
