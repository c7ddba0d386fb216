"""Several of each role at once: on SQLite one writer waits for the other, on PostgreSQL both write."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from sqlalchemy import func, select, text

from fotofila.core.capability import Context
from fotofila.core.errors import ConflictError, QuotaExceededError
from fotofila.core.events.lifecycle import cancel_job, redrive
from fotofila.core.ids import new_id
from fotofila.core.jobs.models import Batch, Failure, Job, RedrivePolicy
from fotofila.core.queue import Outgoing
from fotofila.feedback import failures, relay, results
from fotofila.feedback.gates import Gates
from fotofila.feedback.reconciler import reconcile_once
from fotofila.library.add import add_photo, analyze_again
from fotofila.library.delete import delete_photo
from fotofila.library.find import find_owned
from fotofila.library.models import Photo
from fotofila.testing.pictures import jpeg
from tests.feedback.conftest import LEASE, OWNER, PRINCIPAL, TROUBLE, Desk, due_rows

POSTGRES = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)


@dataclass
class CountingQueue:
    """The queue, with a count of what was sent."""

    queue: Any
    sent: Counter[str] = field(default_factory=Counter)

    async def enqueue(self, lane: str, messages: Sequence[Outgoing]) -> None:
        self.sent.update(str(message.dedup_id) for message in messages)
        await asyncio.sleep(0)  # the other relay comes in between
        await self.queue.enqueue(lane, messages)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.queue, name)


async def batch_of(desk: Desk, expected: int | None = None) -> str:
    """Make a batch."""
    batch_id = new_id()
    async with desk.context.db.write() as session:
        session.add(Batch(id=batch_id, owner=OWNER, expected=expected, created_at=desk.clock.now()))
    return batch_id


async def deadlocks(context: Context) -> int:
    """Count the transactions that PostgreSQL threw out because they waited for each other."""
    if context.db.is_sqlite:
        return 0
    async with context.db.read() as session:
        await session.execute(text("SELECT pg_stat_force_next_flush()"))
        query = text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(await session.scalar(query) or 0)


@POSTGRES
async def test_relays_share_the_outbox(desk: Desk) -> None:
    for _ in range(12):
        await desk.add()
    queue = CountingQueue(desk.context.queue)
    context = replace(desk.context, queue=queue)
    while any(await asyncio.gather(*(relay.relay_once(context) for _ in range(4)))):
        pass
    assert len(queue.sent) == 12
    assert set(queue.sent.values()) == {1}


@POSTGRES
async def test_rows_of_a_relay_that_died_are_sent_after_its_lease(desk: Desk) -> None:
    added = await desk.add()
    now = desk.clock.now()
    gates = Gates(least=2)
    assert len(await relay.take(desk.context, gates, now=now)) == 1
    assert await relay.take(desk.context, gates, now=now) == []
    assert await relay.relay_once(desk.context) == 0
    desk.clock.advance(LEASE + 1)
    assert await relay.relay_once(desk.context) == 1
    assert (await desk.job(added)).state == "queued"


async def test_relay_that_wakes_late_says_nothing_of_a_job_that_went_on(desk: Desk) -> None:
    added = await desk.add()
    stale = await due_rows(desk)
    message, reporter = await desk.begun()
    await reporter.retrying(TROUBLE, wait_seconds=60)
    await desk.consume()
    assert (await desk.job(added)).state == "waiting"
    await relay.write_down(desk.context, Gates(least=2), stale)
    assert (await desk.job(added)).state == "waiting"
    assert message.attempt == 1


async def test_two_results_of_one_job_at_once_are_one_result(desk: Desk) -> None:
    batch_id = await batch_of(desk, expected=1)
    added = await desk.add(batch_id=batch_id)
    message, first = await desk.begun("process.bulk")
    second = await desk.begin(message)
    await desk.consume()
    await desk.finish(message, first)
    await desk.finish(message, second)
    deliveries = await desk.receive("results", count=10)
    entries = [entry for delivery in deliveries if (entry := await results.read(desk.context, delivery)) is not None]
    await asyncio.gather(*(results.apply_batch(desk.context, [entry]) for entry in entries))
    assert (await desk.job(added)).state == "done"
    assert (await desk.batch(batch_id)).done == 1
    assert await desk.events("job.done", "batch.done") == ["job.done", "batch.done"]


async def test_replicas_that_take_the_same_jobs_crosswise_do_not_stop_each_other(desk: Desk) -> None:
    """Each takes reports of all jobs, in another order."""
    batches = [await batch_of(desk) for _ in range(3)]
    for number in range(9):
        await desk.add(batch_id=batches[number % 3])
    begun = [await desk.begun("process.bulk") for _ in range(9)]
    for order in (begun, begun[::-1], begun[4:] + begun[:4]):
        for message, reporter in order:
            await reporter.progress(0.5)
            await desk.finish(message, reporter)
    deliveries = await desk.receive("results", count=100)
    entries = [entry for delivery in deliveries if (entry := await results.read(desk.context, delivery)) is not None]
    parts = [entries[number::4] for number in range(4)]
    await asyncio.gather(*(results.apply_batch(desk.context, part) for part in parts))
    await desk.consume()
    assert [(await desk.batch(batch_id)).done for batch_id in batches] == [3, 3, 3]
    assert await deadlocks(desk.context) == 0


async def test_cancelling_and_finishing_at_once_end_in_one_state(desk: Desk) -> None:
    for _ in range(6):
        added = await desk.add()
        message, reporter = await desk.begun()
        await desk.finish(message, reporter)

        async def cancel(job_id: str = added.job.id) -> None:
            async with desk.context.db.write() as session:
                job = await find_owned(session, Job, job_id, OWNER, "job", hold=True)
                await cancel_job(session, job, now=desk.clock.now())

        await asyncio.gather(cancel(), desk.consume(), return_exceptions=True)
        state = (await desk.job(added)).state
        assert await desk.events("job.done", "job.cancelled") == [f"job.{state}"]
        async with desk.context.db.write() as session:
            await delete_photo(session, await session.get_one(Photo, added.photo.id), now=desk.clock.now())
            await session.execute(text("DELETE FROM events"))


async def test_photo_that_is_deleted_twice_and_finished_at_once_is_told_of_once(desk: Desk) -> None:
    added = await desk.add()
    message, reporter = await desk.begun()
    await desk.finish(message, reporter)

    async def delete() -> None:
        async with desk.context.db.write() as session:
            photo = await session.get(Photo, added.photo.id)
            if photo is not None:
                await delete_photo(session, photo, now=desk.clock.now())

    await asyncio.gather(delete(), delete(), desk.consume())
    assert await desk.events("photo.deleted") == ["photo.deleted"]
    async with desk.context.db.read() as session:
        assert [await session.scalar(select(func.count()).select_from(table)) for table in (Photo, Job)] == [0, 0]


async def test_same_bytes_at_once_are_one_photo(desk: Desk) -> None:
    content = jpeg()
    added = await asyncio.gather(*(desk.add(content) for _ in range(8)))
    assert sorted(each.duplicate for each in added) == [False] + [True] * 7
    assert len({each.photo.id for each in added}) == 1
    assert await desk.events("photo.created") == ["photo.created"]


async def test_same_bytes_come_while_their_photo_is_deleted(desk: Desk) -> None:
    content = jpeg()
    for _ in range(5):
        first = await desk.add(content)

        async def delete(photo_id: str = first.photo.id) -> None:
            async with desk.context.db.write() as session:
                await delete_photo(session, await session.get_one(Photo, photo_id), now=desk.clock.now())

        again, *_ = await asyncio.gather(desk.add(content), delete())
        async with desk.context.db.read() as session:
            kept = (await session.scalars(select(Photo.id))).all()
        assert list(kept) == ([] if again.duplicate else [again.photo.id])
        if kept:
            await delete(again.photo.id)


async def test_last_place_of_a_quota_is_taken_once(desk: Desk) -> None:
    full = replace(PRINCIPAL, quota_photos=3)

    async def add() -> bool:
        received = await desk.received()
        try:
            async with desk.context.db.write() as session:
                await add_photo(session, desk.context, full, received, batch_id=None)
        except QuotaExceededError:
            return False
        return True

    assert sum(await asyncio.gather(*(add() for _ in range(8)))) == 3


async def test_analysis_that_is_asked_for_twice_at_once_is_one_job(desk: Desk) -> None:
    added = await desk.add()
    message, reporter = await desk.begun()
    await desk.finish(message, reporter)
    await desk.consume()

    async def again() -> str:
        async with desk.context.db.write() as session:
            photo = await find_owned(session, Photo, added.photo.id, OWNER, "photo", hold=True)
            return (await analyze_again(session, desk.context, photo)).id

    assert len(set(await asyncio.gather(*(again() for _ in range(4))))) == 1


async def failed(desk: Desk, *, count: int = 1) -> list[Failure]:
    """Have some jobs fail."""
    for _ in range(count):
        await desk.add()
        _, reporter = await desk.begun()
        await reporter.failed(TROUBLE)
    await desk.handle()
    return await desk.failures()


async def test_of_two_clicks_one_redrives(desk: Desk) -> None:
    (failure,) = await failed(desk)

    async def click() -> int:
        async with desk.context.db.write() as session:
            found = await session.get_one(Failure, failure.id)
            if not (jobs := await redrive(session, [found], now=desk.clock.now())):
                raise ConflictError("redriven already")
            return len(jobs)

    ended = await asyncio.gather(click(), click(), click(), return_exceptions=True)
    assert sorted(type(each).__name__ for each in ended) == ["ConflictError", "ConflictError", "int"]
    async with desk.context.db.read() as session:
        assert await session.scalar(select(func.max(Job.round))) == 2


async def test_policy_and_person_at_once_redrive_once(desk: Desk) -> None:
    async with desk.context.db.write() as session:
        session.add(RedrivePolicy(owner=OWNER, code=TROUBLE.code, wait_seconds=1, times=5, enabled=True))
    found = await failed(desk, count=5)
    desk.clock.advance(60)

    async def person() -> int:
        async with desk.context.db.write() as session:
            mine = (await session.scalars(select(Failure).order_by(Failure.id.desc()))).all()
            return len(await redrive(session, mine, now=desk.clock.now()))

    policies = (failures.redrive_due(desk.context) for _ in range(3))
    assert sum(await asyncio.gather(person(), *policies)) == len(found)
    assert await deadlocks(desk.context) == 0
    async with desk.context.db.read() as session:
        assert set(await session.scalars(select(Job.round))) == {2}


async def test_reconcilers_at_once_send_a_lost_job_once(desk: Desk) -> None:
    added = await desk.add()
    await desk.begun()
    desk.clock.advance(LEASE * 4)
    assert sum(await asyncio.gather(*(reconcile_once(desk.context) for _ in range(4)))) == 1
    assert (await desk.job(added)).dispatch == 2


async def test_failures_of_one_batch_are_handled_by_two_at_once(desk: Desk) -> None:
    batches = [await batch_of(desk) for _ in range(2)]
    for number in range(8):
        await desk.add(batch_id=batches[number % 2])
    begun = [await desk.begun("process.bulk") for _ in range(8)]
    for message, reporter in begun:
        await reporter.failed(TROUBLE)
        await reporter.failed(TROUBLE)
        assert message.round == 1
    deliveries = await desk.receive("failures", count=100)
    await asyncio.gather(
        *(failures.record_batch(desk.context, deliveries[number::3][:: -1 if number else 1]) for number in range(3))
    )
    assert len(await desk.failures()) == 8
    assert [(await desk.batch(batch_id)).failed for batch_id in batches] == [4, 4]
    assert await deadlocks(desk.context) == 0
