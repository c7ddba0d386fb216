"""Requests counted by blocks."""

from __future__ import annotations

import asyncio

import pytest
from limits import RateLimitItem, parse

from fotofila.api.leases import LeasedCounts
from fotofila.api.memory_counts import MemoryStore
from fotofila.api.rate_stores import Count, PostgresStore, RateStore
from fotofila.core.db import Database
from fotofila.core.errors import UnavailableError

HOURLY = parse("1000/hour")


class Counted:
    """A store that keeps count of how it was asked; and a clock."""

    def __init__(self, *, away: bool = False) -> None:
        self.store = MemoryStore()
        self.costs: list[int] = []
        self.away = away
        self.now = 0.0

    async def take(self, item: RateLimitItem, bucket: str, *, cost: int = 1) -> Count:
        self.costs.append(cost)
        await asyncio.sleep(0)
        if self.away:
            raise UnavailableError("It does not answer.")
        return await self.store.take(item, bucket, cost=cost)

    async def close(self) -> None:
        pass

    def leased(self) -> LeasedCounts:
        return LeasedCounts(self, now=lambda: self.now)


async def take(counts: LeasedCounts, number: int, item: RateLimitItem = HOURLY) -> list[Count]:
    return [await counts.take(item, "a") for _ in range(number)]


async def test_a_busy_bucket_asks_for_blocks_that_grow_to_a_twentieth_of_the_limit() -> None:
    store = Counted()
    counts = await take(store.leased(), 313)
    assert store.costs == [1, 2, 4, 8, 16, 32, 50, 50, 50, 50, 50]
    assert [count.remaining for count in counts] == list(range(999, 686, -1))  # to the request, with one process


async def test_a_slow_bucket_asks_for_ever_smaller_blocks() -> None:
    store = Counted()
    counts = store.leased()
    await take(counts, 63)
    store.costs.clear()
    for _ in range(70):
        store.now += 1
        await counts.take(HOURLY, "a")
    assert store.costs == [32, 16, 8, 4, 2, 2, 2, 2, 2]
    store.now += 3600
    await take(counts, 1)
    assert store.costs[-1] == 1


async def test_small_limits_are_counted_one_by_one() -> None:
    store = Counted()
    await take(store.leased(), 10, parse("39/minute"))
    assert store.costs == [1] * 10


async def test_one_process_is_allowed_exactly_the_limit() -> None:
    counts = await take(Counted().leased(), 1100)
    assert [count.allowed for count in counts] == [True] * 1000 + [False] * 100
    assert counts[-1].remaining == 0
    assert 1 <= counts[-1].reset_seconds <= 3600


async def test_a_refusal_is_believed_for_a_moment_only() -> None:
    store = Counted()
    counts = store.leased()
    await take(counts, 1005)
    asked = len(store.costs)
    await take(counts, 5)
    assert len(store.costs) == asked
    store.now += 1
    await take(counts, 1)
    assert len(store.costs) == asked + 1


async def test_those_at_once_ask_once() -> None:
    store = Counted()
    counts = store.leased()
    answers = await asyncio.gather(*(counts.take(HOURLY, "a") for _ in range(31)))
    assert all(answer.allowed for answer in answers)
    assert store.costs == [1, 2, 4, 8, 16]


async def test_a_store_that_is_away_is_asked_once_for_all_that_wait() -> None:
    store = Counted(away=True)
    counts = store.leased()
    answers = await asyncio.gather(*(counts.take(HOURLY, "a") for _ in range(8)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [UnavailableError] * 8
    assert store.costs == [1]


async def test_who_waits_is_counted_though_the_one_that_asked_has_left() -> None:
    store = Counted()
    counts = store.leased()
    first = asyncio.create_task(counts.take(HOURLY, "a"))
    second = asyncio.create_task(counts.take(HOURLY, "a"))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).allowed
    with pytest.raises(asyncio.CancelledError):
        await first


@pytest.mark.parametrize("kind", ["postgres", "memory"])
async def test_replicas_share_a_limit_but_for_a_block_of_each(kind: str, request: pytest.FixtureRequest) -> None:
    limit, replicas = parse("400/hour"), 3
    database = Database(request.getfixturevalue("migrated_url")) if kind == "postgres" else None
    store: RateStore = MemoryStore() if database is None else PostgresStore(database)
    processes = [LeasedCounts(store) for _ in range(replicas)]
    allowed = 0
    for number in range(600):
        allowed += (await processes[number % replicas].take(limit, "a")).allowed
    assert 400 - (replicas - 1) * 20 <= allowed <= 400
    if database is not None:
        await database.close()
