from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from fotofila.core.errors import StorageFullError, UnavailableError
from fotofila.core.queue import Delivery, Depth, LaneNames, Outgoing
from fotofila.core.queue.base import MAX_PAYLOAD_BYTES
from fotofila.core.queue.sqlite import SqliteQueue
from fotofila.testing.clock import FileClock
from fotofila.testing.processes import acting
from tests.core.disks import small_disk


def open_queue(path: Path) -> SqliteQueue:
    clock = FileClock(path=path.with_name("clock"))
    return SqliteQueue(path, max_deliveries=3, names=LaneNames(), now=clock.now)


@pytest.fixture
async def queue(tmp_path: Path) -> AsyncIterator[SqliteQueue]:
    queue = open_queue(tmp_path / "queue.db")
    yield queue
    await queue.close()


async def lock_and_say(say: Callable[[Any], None], path: Path) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("DELETE FROM messages")
    say("locked")
    await asyncio.Event().wait()


async def test_those_who_open_a_fresh_file_at_once_all_succeed(tmp_path: Path) -> None:
    for number in range(20):
        queues = [open_queue(tmp_path / f"{number}.db") for _ in range(12)]
        await asyncio.gather(*(queue.enqueue("process", [Outgoing(payload=b"a")]) for queue in queues))
        assert await queues[0].depth("process") == Depth(ready=12, leased=0)
        for queue in queues:
            await queue.close()


async def test_what_was_sent_is_on_the_disk_when_it_returns(queue: SqliteQueue) -> None:
    def pragmas(connection: sqlite3.Connection) -> tuple[Any, ...]:
        return tuple(connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous"))

    (taken,) = await sent_and_received(queue)
    await queue.ack([taken])  # a power cut may take this back, and then the message comes again
    assert await queue._run(pragmas) == ("wal", 1), "1 is NORMAL: the WAL is synced with the next durable transaction"
    await queue.enqueue("process", [Outgoing(payload=b"b")])
    assert await queue._run(pragmas) == ("wal", 2), "2 is FULL: the WAL is synced after each transaction"


async def test_message_ends_with_what_came_of_it(queue: SqliteQueue) -> None:
    await queue.enqueue("process", [Outgoing(payload=b"work")])
    (held,) = await queue.receive(["process"], max_messages=1, wait_seconds=0, lease_seconds=30)
    await queue.settle(held, "results", [Outgoing(payload=b"done", dedup_id="1")])
    assert await queue.depth("process") == Depth(ready=0, leased=0)
    assert await queue.depth("results") == Depth(ready=1, leased=0)


async def test_message_that_another_holds_is_not_ended_by_who_lost_it(queue: SqliteQueue) -> None:
    await queue.enqueue("process", [Outgoing(payload=b"work")])
    (lost,) = await queue.receive(["process"], max_messages=1, wait_seconds=0, lease_seconds=0)
    await queue.receive(["process"], max_messages=1, wait_seconds=0, lease_seconds=30)
    await queue.settle(lost, "results", [Outgoing(payload=b"done")])
    assert await queue.depth("process") == Depth(ready=0, leased=1)
    assert await queue.depth("results") == Depth(ready=1, leased=0)


async def test_message_stays_where_what_came_of_it_cannot_be_sent(queue: SqliteQueue) -> None:
    await queue.enqueue("process", [Outgoing(payload=b"work")])
    (held,) = await queue.receive(["process"], max_messages=1, wait_seconds=0, lease_seconds=30)
    with pytest.raises(ValueError, match="the most"):
        await queue.settle(held, "results", [Outgoing(payload=b"x" * (MAX_PAYLOAD_BYTES + 1))])
    assert await queue.depth("process") == Depth(ready=0, leased=1)


async def sent_and_received(queue: SqliteQueue) -> list[Delivery]:
    await queue.enqueue("process", [Outgoing(payload=b"a")])
    return await queue.receive(["process"], max_messages=1, wait_seconds=0, lease_seconds=30)


async def test_process_killed_in_its_transaction_changes_nothing(queue: SqliteQueue, tmp_path: Path) -> None:
    await queue.enqueue("process", [Outgoing(payload=b"a")])
    with acting(lock_and_say, tmp_path / "queue.db") as holder:
        assert await holder.hear() == "locked"
        sending = asyncio.create_task(queue.enqueue("process", [Outgoing(payload=b"b")]))
        holder.kill()
        await sending
    assert await queue.depth("process") == Depth(ready=2, leased=0)


async def test_looking_at_an_empty_lane_takes_no_lock(queue: SqliteQueue, tmp_path: Path) -> None:
    await queue.depth("process")
    with contextlib.closing(sqlite3.connect(tmp_path / "queue.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        async with asyncio.timeout(20):  # who wants the lock waits for longer
            assert await queue.receive(["process"], max_messages=1, wait_seconds=0, lease_seconds=1) == []


async def test_message_taken_by_a_receive_that_was_cancelled_comes_back(queue: SqliteQueue, tmp_path: Path) -> None:
    await queue.enqueue("process", [Outgoing(payload=b"a")])
    receiving = asyncio.create_task(queue.receive(["process"], max_messages=1, wait_seconds=9, lease_seconds=30))
    await asyncio.sleep(0)
    receiving.cancel()
    await asyncio.gather(receiving, return_exceptions=True)
    await queue.depth("process")  # the thread takes the message or not, but has done so before the clock goes on
    FileClock(path=tmp_path / "clock").advance(31)
    (back,) = await queue.receive(["process"], max_messages=1, wait_seconds=0, lease_seconds=30)
    assert back.payload == b"a"


async def enqueue_until_refused(queue: SqliteQueue) -> int:
    for accepted in range(100):
        try:
            await queue.enqueue("process", [Outgoing(payload=bytes(100_000))])
        except StorageFullError as error:
            assert "free some space" in str(error)  # noqa: PT017 - what was accepted before is counted
            return accepted
    pytest.fail("the small disk never became full")


async def test_full_disk_is_told_and_harms_nothing_that_was_accepted(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", size_kib=2048) as disk:
        queue = open_queue(disk / "queue.db")
        await queue.enqueue("process", [Outgoing(payload=b"first")])
        ballast = disk / "ballast"
        with ballast.open("wb") as file, contextlib.suppress(OSError):
            file.write(bytes(1024 * 1024))
        accepted = 1 + await enqueue_until_refused(queue)
        assert await queue.depth("process") == Depth(ready=accepted, leased=0)
        ballast.unlink()
        await queue.enqueue("process", [Outgoing(payload=b"last")])
        received = await queue.receive(["process"], max_messages=500, wait_seconds=0, lease_seconds=30)
        await queue.close()
    assert (received[0].payload, received[-1].payload, len(received)) == (b"first", b"last", accepted + 1)


async def test_file_that_was_deleted_is_made_anew_for_all(tmp_path: Path) -> None:
    """Otherwise some would go on with a file that no longer has a name, and others never hear of what is in it."""
    path = tmp_path / "queue.db"
    one, other = open_queue(path), open_queue(path)
    for each in (one, other):
        await each.enqueue("process", [Outgoing(payload=b"lost")])
        await each.receive(["process"], max_messages=1, wait_seconds=0, lease_seconds=30)
    for name in ("queue.db", "queue.db-wal", "queue.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    assert await one.depth("process") == Depth(ready=0, leased=0)
    await one.enqueue("process", [Outgoing(payload=b"new")])
    (delivery,) = await other.receive(["process"], max_messages=5, wait_seconds=30, lease_seconds=30)
    assert delivery.payload == b"new"
    await one.close()
    await other.close()


async def test_file_that_is_no_queue_is_told_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "queue.db").write_bytes(b"this is no database" * 1000)
    queue = open_queue(tmp_path / "queue.db")
    with pytest.raises(UnavailableError, match=r"queue\.db"):
        await queue.depth("process")
    with pytest.raises(UnavailableError, match=r"queue\.db"):
        await queue.receive(["process"], max_messages=1, wait_seconds=1, lease_seconds=1)
    await queue.close()


async def test_folder_that_cannot_be_made_is_told_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    queue = open_queue(tmp_path / "file" / "queue.db")
    with pytest.raises(UnavailableError, match=r"queue\.db"):
        await queue.enqueue("process", [Outgoing(payload=b"a")])
    with pytest.raises(UnavailableError, match=r"queue\.db"):
        await queue.receive(["process"], max_messages=1, wait_seconds=1, lease_seconds=1)
    await queue.close()


@pytest.mark.parametrize(
    ("lane", "name"),
    [
        ("process", "fotos"),
        ("process.bulk", "fotos.bulk"),
        ("results", "results"),
        ("failures", "dead"),
        ("other", "other"),
    ],
)
def test_lanes_keep_their_suffix_under_another_name(lane: str, name: str) -> None:
    assert LaneNames(process="fotos", failures="dead").of(lane) == name
