"""That work began is told by a message of its own, by the last report, or by both: it is written down once."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from fotofila.core.jobs.models import TimelineEntry
from fotofila.core.queue import Outgoing
from fotofila.library.add import Added
from fotofila.worker.reporter import Reporter
from tests.feedback.conftest import TROUBLE, Desk


async def begun_silently(desk: Desk) -> tuple[Added, Reporter]:
    """Begin work that says nothing before its end."""
    added = await desk.add()
    message, delivery = await desk.take()
    await desk.context.queue.ack([delivery])
    reporter = Reporter(queue=desk.context.queue, storage=desk.context.storage, clock=desk.clock, message=message)
    reporter.started("test")
    return added, reporter


async def executions(desk: Desk, added: Added) -> list[str]:
    """Return the executions whose beginning the timeline has."""
    query = select(TimelineEntry).where(TimelineEntry.job_id == added.job.id).order_by(TimelineEntry.id)
    async with desk.context.db.read() as session:
        return [
            hop.detail["execution_id"] for hop in await session.scalars(query) if hop.hop == "started" and hop.detail
        ]


@pytest.mark.parametrize("how", ["finished", "retrying", "cancelled", "failed"])
async def test_last_report_tells_of_the_beginning(desk: Desk, how: str) -> None:
    added, reporter = await begun_silently(desk)
    began = desk.clock.now()
    desk.clock.advance(1)
    match how:
        case "finished":
            await reporter.finished({}, (), 0.1, {})
        case "retrying":
            await reporter.retrying(TROUBLE, wait_seconds=10)
        case "cancelled":
            await reporter.cancelled("nobody wants it")
        case _:
            await reporter.failed(TROUBLE)
    reporter.silence()
    await desk.consume()
    await desk.handle()
    job = await desk.job(added)
    assert (job.started_at, job.execution_id) == (began, reporter.execution_id)
    assert await executions(desk, added) == [reporter.execution_id]
    told = {"finished": "job.done"}.get(how, f"job.{how}")
    assert await desk.events() == ["photo.created", "job.started", told]


async def test_beginning_that_comes_after_the_end_changes_nothing(desk: Desk) -> None:
    added, reporter = await begun_silently(desk)
    await reporter.flush()
    (late,) = await desk.receive("results")
    await reporter.finished({}, (), 0.1, {})
    await desk.consume()
    await desk.context.queue.enqueue("results", [Outgoing(payload=late.payload)])
    await desk.consume()
    assert (await desk.job(added)).state == "done"
    assert await executions(desk, added) == [reporter.execution_id]
    assert await desk.events() == ["photo.created", "job.started", "job.done"]


async def test_beginning_is_written_once_though_another_began_after_it(desk: Desk) -> None:
    added = await desk.add()
    message, first = await desk.begun()
    second = await desk.begin(message)
    await desk.consume()
    await desk.finish(message, first)
    await desk.finish(message, second)
    await desk.consume()
    assert await executions(desk, added) == [first.execution_id, second.execution_id]
    assert (await desk.job(added)).execution_id == first.execution_id


async def test_end_without_a_beginning_is_what_the_previous_release_reports(desk: Desk) -> None:
    added = await desk.add()
    message, delivery = await desk.take()
    await desk.context.queue.ack([delivery])
    reporter = Reporter(queue=desk.context.queue, storage=desk.context.storage, clock=desk.clock, message=message)
    await reporter.finished({}, (), 0.1, {})
    await desk.consume()
    assert (await desk.job(added)).state == "done"
    assert await desk.events() == ["photo.created", "job.done"]
