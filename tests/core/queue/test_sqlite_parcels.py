from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from fotofila.core.errors import StorageFullError
from fotofila.core.queue import Delivery, Depth, LaneNames, Outgoing
from fotofila.core.queue.sqlite import SqliteQueue


@pytest.fixture
async def queue(tmp_path: Path) -> AsyncIterator[SqliteQueue]:
    queue = SqliteQueue(tmp_path / "queue.db", max_deliveries=3, names=LaneNames())
    yield queue
    await queue.close()


async def held(queue: SqliteQueue, count: int) -> list[Delivery]:
    """Send so many messages and receive them."""
    await queue.enqueue("process", [Outgoing(payload=b"work") for _ in range(count)])
    return await queue.receive(["process"], max_messages=count, wait_seconds=0, lease_seconds=30)


async def settle_at_once(queue: SqliteQueue, deliveries: list[Delivery], *, leaves: int | None = None) -> list[Any]:
    """Settle while the thread is busy with something else; one may leave meanwhile. Returns what each heard."""
    go = threading.Event()
    busy = asyncio.create_task(queue._run(lambda _: go.wait()))
    await asyncio.sleep(0)
    tasks = [asyncio.create_task(queue.settle(each, "results", [Outgoing(payload=b"done")])) for each in deliveries]
    await asyncio.sleep(0)
    if leaves is not None:
        tasks[leaves].cancel()
        await asyncio.wait([tasks[leaves]])
    go.set()
    heard = await asyncio.gather(*tasks, return_exceptions=True)
    await busy
    return heard


async def test_what_is_settled_at_once_is_one_transaction(queue: SqliteQueue) -> None:
    deliveries = await held(queue, 5)
    statements: list[str] = []
    await queue._run(lambda connection: connection.set_trace_callback(statements.append))
    assert await settle_at_once(queue, deliveries) == [None] * 5
    assert statements.count("COMMIT") == 1
    assert await queue.depth("process") == Depth(ready=0, leased=0)
    assert await queue.depth("results") == Depth(ready=5, leased=0)


async def test_each_hears_of_what_could_not_be_written(queue: SqliteQueue) -> None:
    def fill(connection: sqlite3.Connection) -> None:
        connection.execute("CREATE TRIGGER full BEFORE INSERT ON messages BEGIN SELECT RAISE(FAIL, 'disk full'); END")

    deliveries = await held(queue, 3)
    await queue._run(fill)
    heard = await settle_at_once(queue, deliveries)
    assert [type(each) for each in heard] == [StorageFullError] * 3
    await queue._run(lambda connection: connection.execute("DROP TRIGGER full"))
    assert await queue.depth("process") == Depth(ready=0, leased=3)
    await queue.settle(deliveries[0], "results", [])
    assert await queue.depth("results") == Depth(ready=0, leased=0), "what was told as not sent is not sent later"


async def test_one_who_leaves_before_takes_nobody_with_him(queue: SqliteQueue) -> None:
    deliveries = await held(queue, 3)
    heard = await settle_at_once(queue, deliveries, leaves=0)
    assert isinstance(heard[0], asyncio.CancelledError)
    assert heard[1:] == [None, None]
    assert await queue.depth("process") == Depth(ready=0, leased=1)
    assert await queue.depth("results") == Depth(ready=2, leased=0)
