"""Every store that requests are counted in, against real servers."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from limits import parse
from sqlalchemy import text

from fotofila.api.limits import RateLimits
from fotofila.api.memory_counts import MemoryStore
from fotofila.api.rate_stores import PostgresStore, RateStore, RedisStore, choose_store, redis_storage, sweep
from fotofila.core.capability import Context
from fotofila.core.config import SettingsError, load_settings
from fotofila.core.db import Database
from fotofila.core.errors import RateLimitedError, UnavailableError
from fotofila.testing.servers import RedisServer

HOURLY = parse("5/hour")
POSTGRES = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)


@pytest.fixture(params=["memory", "postgres", "redis"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[RateStore]:
    database: Database | None = None
    if request.param == "memory":
        store: RateStore = MemoryStore()
    elif request.param == "redis":
        store = RedisStore(redis_storage(request.getfixturevalue("redis_url")))
    else:
        database = Database(request.getfixturevalue("migrated_url"))
        store = PostgresStore(database)
    yield store
    await store.close()
    if database is not None:
        await database.close()


async def test_as_many_as_the_limit_are_allowed(store: RateStore) -> None:
    counts = [await store.take(HOURLY, "a") for _ in range(7)]
    assert [count.allowed for count in counts] == [True] * 5 + [False] * 2
    assert [count.remaining for count in counts] == [4, 3, 2, 1, 0, 0, 0]
    assert all(1 <= count.reset_seconds <= 3600 for count in counts)
    assert (await store.take(HOURLY, "b")).allowed


async def test_several_are_counted_together_or_not_at_all(store: RateStore) -> None:
    counts = [await store.take(HOURLY, "block", cost=cost) for cost in (3, 3, 2, 1)]
    assert [(count.allowed, count.remaining) for count in counts] == [(True, 2), (False, 2), (True, 0), (False, 0)]
    assert not (await store.take(HOURLY, "other", cost=6)).allowed
    assert (await store.take(HOURLY, "other", cost=5)).allowed


async def test_those_at_once_are_counted_each(store: RateStore) -> None:
    counts = await asyncio.gather(*(store.take(parse("10/hour"), "crowd") for _ in range(30)))
    assert sum(count.allowed for count in counts) == 10


async def test_refused_requests_do_not_lengthen_the_wait(migrated_url: str) -> None:
    database = Database(migrated_url)
    store = PostgresStore(database)
    for _ in range(20):
        await store.take(HOURLY, "a")
    async with database.write() as session:
        assert await session.scalar(text("SELECT hits FROM rate_counts")) == 5
        await session.execute(text("UPDATE rate_counts SET period = period - 1"))  # as an hour later: they fade
    faded = await store.take(HOURLY, "a")
    async with database.write() as session:
        await session.execute(text("UPDATE rate_counts SET period = period - 2, hits = 5, hits_before = 5"))
    assert (await store.take(HOURLY, "a")).remaining == 4
    assert faded.remaining < 5
    await database.close()


@POSTGRES
async def test_counts_that_are_over_are_swept(context: Context) -> None:
    store = PostgresStore(context.db)
    await store.take(HOURLY, "old")
    async with context.db.write() as session:
        await session.execute(text("UPDATE rate_counts SET expires_at = now() - interval '1 hour'"))
    await store.take(HOURLY, "new")
    assert await sweep(context) == 1


class Gone:
    """A store that is away."""

    async def take(self, *_: object, **__: object) -> object:
        raise UnavailableError("It does not answer.")

    async def close(self) -> None:
        pass


async def test_while_the_store_is_away_requests_are_counted_here_and_nobody_guesses_passwords() -> None:
    limits = RateLimits(requests="2/hour", sign_ins="2/hour", shared=Gone())  # type: ignore[arg-type]
    assert [(await limits.take("a")).allowed for _ in range(3)] == [True, True, False]
    with pytest.raises(UnavailableError):
        await limits.take_sign_in(address="a")


async def test_redis_that_dies_is_an_outage_in_our_words(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server:
        store = RedisStore(redis_storage(server.url))
        await store.take(HOURLY, "a")
        server.kill()
        with pytest.raises(UnavailableError):
            await store.take(HOURLY, "a")
        server.start()
        assert (await store.take(HOURLY, "a")).allowed
        server.pause()
        limits = RateLimits(requests="2/hour", sign_ins="2/hour", shared=store)
        async with asyncio.timeout(20):
            assert (await limits.take("a")).allowed
        server.resume()
        await store.close()


@pytest.mark.parametrize("url", ["http://redis", "redis://host:notaport"])
def test_bad_address_is_told(url: str, tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'a.db'}")
    with pytest.raises(SettingsError, match="FOTOFILA_RATE_LIMIT_URL"):
        choose_store(load_settings(data_dir=tmp_path, rate_limit_url=url), database)


def test_store_follows_the_database_unless_told_otherwise(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path)
    in_memory = load_settings(data_dir=tmp_path, rate_limit_url="memory://")
    sqlite, postgres = Database(f"sqlite:///{tmp_path / 'a.db'}"), Database("postgresql://h/d")
    assert choose_store(settings, sqlite) is None
    assert isinstance(choose_store(settings, postgres), PostgresStore)
    assert choose_store(in_memory, postgres) is None


@asynccontextmanager
async def serving(folder: Path, **settings: str) -> AsyncIterator[httpx.AsyncClient]:
    """Run an API process of its own."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("FOTOFILA_")},
        "FOTOFILA_DATA_DIR": str(folder),
        "FOTOFILA_CAPABILITIES": "library,access",
        "FOTOFILA_RATE_LIMIT": "6/hour",
        **settings,
    }
    command = (sys.executable, "-m", "fotofila.cli", "serve", "--roles", "api", "--port", "0")
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=-1, stderr=-2)
    try:
        assert process.stdout is not None
        async with asyncio.timeout(60):
            while b"api.listening" not in (line := await process.stdout.readline()):
                assert line, "the server ended"
        url = httpx.URL(line.split(b'"url": "')[1].split(b'"')[0].decode())
        async with httpx.AsyncClient(base_url=url) as client:
            yield client
    finally:
        process.send_signal(signal.SIGTERM)
        await process.communicate()


@pytest.mark.e2e
@pytest.mark.parametrize("shared", ["postgres", "redis"])
async def test_two_processes_share_one_budget(
    shared: str, tmp_path: Path, migrated_url: str, request: pytest.FixtureRequest
) -> None:
    settings = {"FOTOFILA_DATABASE_URL": migrated_url}
    if shared == "redis":
        settings["FOTOFILA_RATE_LIMIT_URL"] = request.getfixturevalue("redis_url")
    async with serving(tmp_path, **settings) as first, serving(tmp_path, **settings) as second:
        answers = [(await client.get("/api/session")).status_code for _ in range(4) for client in (first, second)]
    assert answers == [401] * 6 + [429] * 2


async def test_sign_ins_of_both_processes_are_counted_together(migrated_url: str) -> None:
    databases = [Database(migrated_url), Database(migrated_url)]
    replicas = [
        RateLimits(requests="9/hour", sign_ins="3/hour", shared=PostgresStore(database)) for database in databases
    ]
    for number in range(3):
        await replicas[number % 2].take_sign_in(address=f"10.0.0.{number}", username="Ana")
    with pytest.raises(RateLimitedError):
        await replicas[1].take_sign_in(address="10.0.0.9", username="ana ")
    for database in databases:
        await database.close()
