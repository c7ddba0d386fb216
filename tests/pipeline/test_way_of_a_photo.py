from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import func, select

from fotofila.core.capability import Context
from fotofila.core.events.lifecycle import cancel_job, redrive
from fotofila.core.events.models import Event
from fotofila.core.jobs.models import Failure, Job, OutboxMessage, TimelineEntry
from fotofila.feedback.sweeper import sweep_once
from fotofila.library.add import Added
from fotofila.library.models import Photo, Rendition
from tests.pipeline.conftest import pump, working

Add = Callable[..., Awaitable[Added]]


async def state_of(context: Context, job_id: str) -> Job:
    async with context.db.read() as session:
        return await session.get_one(Job, job_id)


def over(context: Context, *added: Added) -> Callable[[], Awaitable[bool]]:
    async def check() -> bool:
        return all([(await state_of(context, one.job.id)).finished_at is not None for one in added])

    return check


async def test_photo_goes_in_and_its_result_comes_out(context: Context, add: Add) -> None:
    added = await add()
    async with working(context):
        await pump(context, over(context, added))
    async with context.db.read() as session:
        job = await session.get_one(Job, added.job.id)
        hops = (await session.scalars(select(TimelineEntry.hop).order_by(TimelineEntry.at, TimelineEntry.id))).all()
        renditions = (await session.scalars(select(Rendition))).all()
        events = (await session.scalars(select(Event.type).order_by(Event.id))).all()
    assert job.state == "done"
    assert hops == ["accepted", "queued", "started", "finished", "done"]
    assert events == ["photo.created", "job.started", "job.done"]
    assert await context.storage.get(renditions[0].key) == b"done"


async def test_equal_bytes_answer_with_the_first_photo(context: Context, add: Add) -> None:
    from fotofila.library.add import add_photo  # noqa: PLC0415
    from fotofila.library.ingest import Limits, receive  # noqa: PLC0415
    from tests.pipeline.conftest import OWNER, PRINCIPAL  # noqa: PLC0415

    first = await add()
    async with context.db.read() as session:
        photo = await session.get_one(Photo, first.photo.id)
    received = await receive(
        context.storage,
        context.storage.get_range(photo.original_key),
        owner=OWNER,
        filename="again.jpg",
        declared_type=None,
        limits=Limits(max_bytes=10**7, max_pixels=10**8),
    )
    async with context.db.write() as session:
        again = await add_photo(session, context, PRINCIPAL, received, batch_id=None)
    assert again.duplicate
    assert again.photo.id == first.photo.id


async def test_transient_error_is_tried_again_until_the_attempts_are_used(context: Context, add: Add) -> None:
    added = await add(b"fotofila:retry")
    async with working(context):
        await pump(context, over(context, added))
    async with context.db.read() as session:
        job = await session.get_one(Job, added.job.id)
        failure = (await session.scalars(select(Failure))).one()
    assert (job.state, job.attempt) == ("failed", context.settings.max_attempts)
    assert (failure.code, failure.permanent, failure.attempt) == ("ordered", False, context.settings.max_attempts)
    assert failure.payload["job_id"] == job.id


async def test_permanent_error_fails_at_once(context: Context, add: Add) -> None:
    added = await add(b"fotofila:discard")
    async with working(context):
        await pump(context, over(context, added))
    job = await state_of(context, added.job.id)
    assert (job.state, job.attempt) == ("failed", 1)


async def test_crashing_decoder_is_a_failed_execution_and_the_worker_goes_on(context: Context, add: Add) -> None:
    crashing, fine = await add(b"fotofila:crash"), await add()
    async with working(context):
        await pump(context, over(context, crashing, fine))
    assert (await state_of(context, fine.job.id)).state == "done"
    crashed = await state_of(context, crashing.job.id)
    assert crashed.error is not None
    assert (crashed.state, crashed.error["code"]) == ("failed", "crashed")


async def test_redrive_is_a_new_round_of_the_same_job(context: Context, add: Add) -> None:
    added = await add(b"fotofila:discard")
    async with working(context):
        await pump(context, over(context, added))
        async with context.db.write() as session:
            failure = (await session.scalars(select(Failure))).one()
            now = context.clock.now()
            started = [await redrive(session, [failure], now=now), await redrive(session, [failure], now=now)]
        assert [len(jobs) for jobs in started] == [1, 0]
        await pump(context, over(context, added))
    job = await state_of(context, added.job.id)
    async with context.db.read() as session:
        failures = (await session.scalars(select(Failure).order_by(Failure.round))).all()
    assert (job.round, job.state) == (2, "failed")
    assert [failure.state for failure in failures] == ["redriven", "open"]


async def test_cancelled_job_leaves_nothing_to_send(context: Context, add: Add) -> None:
    added = await add()
    async with context.db.write() as session:
        await cancel_job(session, await session.get_one(Job, added.job.id), now=context.clock.now())
    async with context.db.read() as session:
        assert await session.scalar(select(func.count()).select_from(OutboxMessage)) == 0
    assert (await state_of(context, added.job.id)).state == "cancelled"


async def test_sweep_keeps_what_has_a_row_and_removes_the_rest(context: Context, add: Add) -> None:
    added = await add()
    async with working(context):
        await pump(context, over(context, added))
    await context.storage.put(f"originals/{added.photo.owner}/{'a' * 32}", b"orphan")
    await context.storage.put(f"renditions/{added.photo.owner}/{added.photo.id}/{'b' * 32}/256.webp", b"lost")
    before = [info.key async for info in context.storage.list("")]
    swept = await sweep_once(context)
    after = [info.key async for info in context.storage.list("")]
    assert (len(before), swept, len(after)) == (4, 2, 2)


@pytest.mark.parametrize("order", [b"fotofila:snooze=0"])
async def test_snooze_costs_no_attempt(context: Context, add: Add, order: bytes) -> None:
    added = await add(order)

    async def dispatched() -> bool:
        return (await state_of(context, added.job.id)).dispatch > 3

    async with working(context):
        await pump(context, dispatched)
    assert (await state_of(context, added.job.id)).attempt == 1
