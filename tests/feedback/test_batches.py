from __future__ import annotations

import asyncio

from fotofila.core.events.lifecycle import cancel_job, redrive
from fotofila.core.ids import new_id
from fotofila.core.jobs.models import Batch
from fotofila.library.add import Added
from tests.feedback.conftest import OWNER, TROUBLE, Desk


async def make_batch(desk: Desk) -> str:
    batch_id = new_id()
    async with desk.context.db.write() as session:
        session.add(Batch(id=batch_id, owner=OWNER, created_at=desk.clock.now()))
    return batch_id


async def counts(desk: Desk, batch_id: str) -> tuple[int, int, int, int, bool]:
    batch = await desk.batch(batch_id)
    return batch.total, batch.done, batch.failed, batch.cancelled, batch.finished_at is not None


async def end(desk: Desk, how: str) -> None:
    """Bring the next job of a batch to an end."""
    message, reporter = await desk.begun("process.bulk")
    if how == "done":
        await desk.finish(message, reporter)
    else:
        await reporter.failed(TROUBLE)
    await desk.consume()
    await desk.handle()


async def cancel(desk: Desk, added: Added) -> None:
    async with desk.context.db.write() as session:
        job = await session.get_one(type(added.job), added.job.id)
        await cancel_job(session, job, now=desk.clock.now())


async def test_counts_follow_the_jobs_and_the_end_is_told_once(desk: Desk) -> None:
    batch_id = await make_batch(desk)
    first = await desk.add(batch_id=batch_id)
    for _ in range(2):
        await desk.add(batch_id=batch_id)
    assert await counts(desk, batch_id) == (3, 0, 0, 0, False)
    await cancel(desk, first)
    assert await counts(desk, batch_id) == (3, 0, 0, 1, False)
    await end(desk, "done")
    assert await counts(desk, batch_id) == (3, 1, 0, 1, False)
    assert await desk.events("batch.done") == []
    await end(desk, "failed")
    assert await counts(desk, batch_id) == (3, 1, 1, 1, True)
    assert await desk.events("batch.done") == ["batch.done"]


async def test_photo_that_comes_later_opens_the_batch_again(desk: Desk) -> None:
    batch_id = await make_batch(desk)
    await desk.add(batch_id=batch_id)
    await end(desk, "done")
    assert await counts(desk, batch_id) == (1, 1, 0, 0, True)
    await desk.add(batch_id=batch_id)
    assert await counts(desk, batch_id) == (2, 1, 0, 0, False)
    await end(desk, "done")
    assert await counts(desk, batch_id) == (2, 2, 0, 0, True)
    assert await desk.events("batch.done") == ["batch.done"] * 2


async def test_redrive_takes_the_failure_back(desk: Desk) -> None:
    batch_id = await make_batch(desk)
    await desk.add(batch_id=batch_id)
    await end(desk, "failed")
    async with desk.context.db.write() as session:
        await redrive(session, await desk.failures(), now=desk.clock.now())
    assert await counts(desk, batch_id) == (1, 0, 0, 0, False)
    await end(desk, "done")
    assert await counts(desk, batch_id) == (1, 1, 0, 0, True)


async def test_results_of_one_transaction_are_all_counted(desk: Desk) -> None:
    batch_id = await make_batch(desk)
    added = [await desk.add(batch_id=batch_id) for _ in range(10)]
    for _ in added:
        message, delivery = await desk.take("process.bulk")
        await desk.context.queue.ack([delivery])
        await desk.finish(message, await desk.begin(message))
    await desk.consume()
    assert await counts(desk, batch_id) == (10, 10, 0, 0, True)
    assert await desk.events("batch.done") == ["batch.done"]


async def test_jobs_that_end_at_once_are_all_counted(desk: Desk) -> None:
    batch_id = await make_batch(desk)
    added = [await desk.add(batch_id=batch_id) for _ in range(8)]
    await asyncio.gather(*(cancel(desk, one) for one in added))
    assert await counts(desk, batch_id) == (8, 0, 0, 8, True)
    assert await desk.events("batch.done") == ["batch.done"]
