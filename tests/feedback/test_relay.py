from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select

from fotofila.core.errors import StorageFullError
from fotofila.core.jobs.messages import read_process
from fotofila.core.jobs.models import OutboxMessage
from fotofila.core.queue import Depth, LaneNames, Outgoing
from fotofila.core.queue.sqlite import SqliteQueue
from fotofila.feedback import relay
from fotofila.feedback.gates import Gates
from tests.feedback.conftest import TROUBLE, Desk, due_rows


async def outbox(desk: Desk) -> int:
    async with desk.context.db.read() as session:
        return await session.scalar(select(func.count()).select_from(OutboxMessage)) or 0


async def test_rows_are_sent_and_gone(desk: Desk) -> None:
    added = [await desk.add() for _ in range(3)]
    assert await relay.relay_once(desk.context) == 3
    assert await outbox(desk) == 0
    assert await desk.context.queue.depth("process") == Depth(ready=3, leased=0)
    jobs = [await desk.job(one) for one in added]
    assert [(job.state, job.queued_at) for job in jobs] == [("queued", desk.clock.now())] * 3
    assert await relay.relay_once(desk.context) == 0


async def test_rows_are_sent_in_the_order_in_which_they_were_written(desk: Desk) -> None:
    added = [await desk.add() for _ in range(8)]
    await relay.relay_once(desk.context)
    assert [(await desk.take())[0].job_id for _ in added] == [one.job.id for one in added]


async def test_two_relays_at_once_send_each_row_once(desk: Desk) -> None:
    for _ in range(20):
        await desk.add()
    await asyncio.gather(*(relay.relay_once(desk.context) for _ in range(5)))
    assert await desk.context.queue.depth("process") == Depth(ready=20, leased=0)
    assert await outbox(desk) == 0


async def test_relay_that_died_after_it_had_sent_sends_nothing_twice(desk: Desk) -> None:
    added = await desk.add()
    async with desk.context.db.read() as session:
        (row,) = (await session.scalars(select(OutboxMessage))).all()
    await desk.context.queue.enqueue(row.lane, [Outgoing(payload=row.payload, dedup_id=row.dedup_id)])
    assert (await desk.job(added)).state == "pending"
    await relay.relay_once(desk.context)
    assert await desk.context.queue.depth("process") == Depth(ready=1, leased=0)
    assert (await desk.job(added)).state == "queued"


async def test_worker_that_is_quicker_than_the_relay_is_not_set_back(desk: Desk) -> None:
    """The message was sent, worked on and reported before the relay could write down that it had sent it."""
    added = await desk.add()
    async with desk.context.db.read() as session:
        (row,) = (await session.scalars(select(OutboxMessage))).all()
    await desk.context.queue.enqueue(row.lane, [Outgoing(payload=row.payload, dedup_id=row.dedup_id)])
    due = await due_rows(desk)
    (delivery,) = await desk.receive()
    message = read_process(delivery.payload)
    reporter = await desk.begin(message)
    await desk.finish(message, reporter)
    await desk.consume()
    await relay.write_down(desk.context, Gates(least=2), due)
    assert (await desk.job(added)).state == "done"
    assert await outbox(desk) == 0


async def test_row_that_is_not_due_stays(desk: Desk) -> None:
    await desk.add()
    _, reporter = await desk.begun()
    await reporter.retrying(TROUBLE, wait_seconds=60)
    await desk.consume()
    desk.clock.advance(59)
    assert await relay.relay_once(desk.context) == 0
    assert await outbox(desk) == 1
    desk.clock.advance(1)
    assert await relay.relay_once(desk.context) == 1


async def test_more_rows_than_one_batch_are_all_sent(desk: Desk) -> None:
    wanted = relay.BATCH + 5
    added = await desk.add()
    async with desk.context.db.write() as session:
        session.add_all(
            OutboxMessage(
                lane="process.bulk",
                payload=b"%d" % number,
                dedup_id=str(number),
                job_id=added.job.id,
                due_at=desk.clock.now(),
                created_at=desk.clock.now(),
            )
            for number in range(wanted)
        )
    gates = Gates(least=1000)
    assert [await relay.relay_once(desk.context, gates) for _ in range(3)] == [relay.BATCH, 6, 0]
    assert (await desk.context.queue.depth("process.bulk")).ready == wanted


class FullQueue(SqliteQueue):
    async def enqueue(self, lane: str, messages: Sequence[Outgoing]) -> None:
        raise StorageFullError(f"The disk of the queue file is full: {len(messages)} for {lane} are not taken.")


async def test_full_queue_leaves_the_rows_for_later(desk: Desk, tmp_path: Path) -> None:
    added = await desk.add()
    full = FullQueue(tmp_path / "full.db", max_deliveries=3, names=LaneNames())
    with pytest.raises(StorageFullError):
        await relay.relay_once(replace(desk.context, queue=full))
    await full.close()
    assert (await outbox(desk), (await desk.job(added)).state) == (1, "pending")
    assert await relay.relay_once(desk.context) == 1
