from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TypeVar

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.core.db import Database
from fotofila.core.db.sqlite_writer import Work
from fotofila.core.errors import ConflictError, UnavailableError
from fotofila.core.events.lifecycle import cancel_job, redrive
from fotofila.core.jobs.messages import ErrorInfo, Failed
from fotofila.core.jobs.models import RedrivePolicy
from fotofila.core.queue import Outgoing
from fotofila.feedback import failures, relay
from fotofila.library.add import Added
from tests.feedback.conftest import LEASE, OWNER, TROUBLE, Desk


async def fail(desk: Desk, error: ErrorInfo = TROUBLE) -> None:
    """Let the job that is next fail for good."""
    _, reporter = await desk.begun()
    await reporter.failed(error)
    await desk.handle()


async def set_policy(desk: Desk, *, times: int, enabled: bool = True, code: str = TROUBLE.code) -> None:
    async with desk.context.db.write() as session:
        session.add(RedrivePolicy(owner=OWNER, code=code, wait_seconds=300, times=times, enabled=enabled))


async def state(desk: Desk, added: Added) -> tuple[str, int]:
    job = await desk.job(added)
    return job.state, job.round


async def test_failure_is_kept_with_reason_stack_and_payload(desk: Desk) -> None:
    added = await desk.add()
    message, reporter = await desk.begun()
    await reporter.failed(TROUBLE)
    await desk.handle()
    (failure,) = await desk.failures()
    assert (failure.job_id, failure.photo_id, failure.round, failure.attempt) == (added.job.id, added.photo.id, 1, 1)
    assert (failure.code, failure.sentence, failure.stack) == (TROUBLE.code, TROUBLE.sentence, TROUBLE.stack)
    assert failure.payload == message.model_dump(mode="json", by_alias=True)
    job = await desk.job(added)
    assert (job.state, job.error) == ("failed", {"code": "ordered", "sentence": TROUBLE.sentence, "permanent": False})


async def test_failure_is_told_once(desk: Desk) -> None:
    await desk.add()
    message, first = await desk.begun()
    second = await desk.begin(message)
    await first.failed(TROUBLE)
    await second.failed(TROUBLE)
    (delivery,) = await desk.receive("failures")
    await desk.context.queue.enqueue("failures", [Outgoing(payload=delivery.payload)] * 2)
    await desk.handle()
    assert len(await desk.failures()) == 1
    assert await desk.events("job.failed") == ["job.failed"]


async def test_dead_workers_are_told_of_when_the_queue_gives_up(desk: Desk) -> None:
    added = await desk.add()
    while await relay.relay_once(desk.context):
        pass
    await desk.give_up("process")
    await desk.handle()
    (failure,) = await desk.failures()
    assert (failure.code, failure.permanent, failure.payload["job_id"]) == ("workers_died", False, added.job.id)
    assert await state(desk, added) == ("failed", 1)


async def test_dead_letter_of_a_dispatch_that_was_superseded_is_no_failure(desk: Desk) -> None:
    """Its workers told what became of it, or the reconciler sent it again: the job lives on."""
    added = await desk.add()
    message, _ = await desk.take()
    reporter = await desk.begin(message)
    await reporter.retrying(TROUBLE, wait_seconds=10_000)
    await desk.consume()
    await desk.give_up("process")
    await desk.handle()
    assert await desk.failures() == []
    assert await state(desk, added) == ("waiting", 1)


@pytest.mark.parametrize("kind", ["started", "progress", "heartbeat"])
async def test_sign_of_life_that_could_not_be_written_down_is_no_failure(desk: Desk, kind: str) -> None:
    added = await desk.add()
    _, reporter = await desk.begun()
    if kind == "started":
        reporter.started("test")
        await reporter.flush()
    elif kind == "progress":
        await reporter.progress(0.5)
    else:
        await reporter.heartbeat()
    await desk.give_up("results")
    await desk.handle()
    assert await desk.failures() == []
    assert (await desk.job(added)).state == "running"


@pytest.mark.parametrize("payload", [b"", b"no json", b"{}", b"[1]", b'{"type": "failed"}', b'{"a', b'{"type": []}'])
@pytest.mark.parametrize("lane", ["failures", "process", "results"])
async def test_failure_that_nobody_wrote_stops_nobody(desk: Desk, payload: bytes, lane: str) -> None:
    await desk.context.queue.enqueue(lane, [Outgoing(payload=payload)])
    if lane != "failures":
        await desk.give_up(lane)
    added = await desk.add()
    await fail(desk)
    assert await state(desk, added) == ("failed", 1)
    assert len(await desk.failures()) == 1
    assert (await desk.context.queue.depth("failures")).ready == 0


async def test_failure_that_cannot_be_written_down_stops_nobody(desk: Desk) -> None:
    first, second = await desk.add(), await desk.add()
    _, reporter = await desk.begun()
    number = 10**30  # more than a database holds
    forged = Failed(**{**reporter._envelope(), "attempt": number}, error=TROUBLE, payload={})
    await desk.context.queue.enqueue("failures", [Outgoing(payload=forged.dump())])
    _, reporter = await desk.begun()
    await reporter.failed(TROUBLE)
    await desk.handle()
    assert await state(desk, second) == ("failed", 1)
    assert await state(desk, first) == ("running", 1)
    assert (await desk.context.queue.depth("failures")).ready == 1, "it stays, for whoever mends the handler"


async def test_policy_redrives_as_often_as_it_says(desk: Desk) -> None:
    added = await desk.add()
    await set_policy(desk, times=2)
    for number in range(1, 4):
        await fail(desk)
        assert await state(desk, added) == ("failed", number)
        desk.clock.advance(299)
        assert await failures.redrive_due(desk.context) == 0
        desk.clock.advance(1)
        assert await failures.redrive_due(desk.context) == (1 if number < 3 else 0)
    assert await state(desk, added) == ("failed", 3)
    assert [failure.state for failure in await desk.failures()] == ["redriven", "redriven", "open"]


async def test_policy_leaves_permanent_errors_other_codes_and_others_alone(desk: Desk) -> None:
    await set_policy(desk, times=5)
    await set_policy(desk, times=5, enabled=False, code="off")
    for error in (
        TROUBLE.model_copy(update={"permanent": True}),
        TROUBLE.model_copy(update={"code": "other"}),
        TROUBLE.model_copy(update={"code": "off"}),
    ):
        await desk.add()
        await fail(desk, error)
    desk.clock.advance(10**6)
    assert await failures.redrive_due(desk.context) == 0


async def test_failure_that_a_person_redrove_is_not_redriven_again(desk: Desk) -> None:
    added = await desk.add()
    await set_policy(desk, times=5)
    await fail(desk)
    async with desk.context.db.write() as session:
        await redrive(session, await desk.failures(), now=desk.clock.now())
    desk.clock.advance(10**6)
    assert await failures.redrive_due(desk.context) == 0
    assert await state(desk, added) == ("pending", 2)


async def test_two_clicks_at_once_are_one_round(desk: Desk) -> None:
    added = await desk.add()
    await fail(desk)

    async def click() -> int:
        async with desk.context.db.write() as session:
            return len(await redrive(session, await desk.failures(), now=desk.clock.now()))

    assert sorted(await asyncio.gather(click(), click(), click())) == [0, 0, 1]
    assert await state(desk, added) == ("pending", 2)


async def test_redriven_job_keeps_its_id_arguments_and_trace(desk: Desk) -> None:
    await desk.add()
    first, reporter = await desk.begun()
    await reporter.failed(TROUBLE)
    await desk.handle()
    async with desk.context.db.write() as session:
        await redrive(session, await desk.failures(), now=desk.clock.now())
    second, _ = await desk.take()
    same = {"job_id", "owner", "kind", "kind_version", "args", "source", "traceparent", "lane", "max_attempts"}
    assert second.model_dump(include=same) == first.model_dump(include=same)
    assert (second.round, second.attempt, second.dispatch) == (2, 1, 1)


async def test_job_that_is_over_cannot_be_cancelled(desk: Desk) -> None:
    added = await desk.add()
    await fail(desk)
    with pytest.raises(ConflictError, match="failed already"):
        await cancel(desk, added)


async def test_cancelled_job_is_not_failed_by_the_worker_that_has_it(desk: Desk) -> None:
    added = await desk.add()
    message, reporter = await desk.begun()
    await cancel(desk, added)
    await reporter.failed(TROUBLE)
    await desk.finish(message, reporter)
    await desk.handle()
    await desk.consume()
    assert await state(desk, added) == ("cancelled", 1)
    assert await desk.events("job.cancelled", "job.failed", "job.done") == ["job.cancelled"]


async def cancel(desk: Desk, added: Added) -> None:
    async with desk.context.db.write() as session:
        job = await session.get_one(type(added.job), added.job.id)
        await cancel_job(session, job, now=desk.clock.now())


async def test_dead_letter_of_a_job_that_is_done_changes_nothing(desk: Desk) -> None:
    added = await desk.add()
    message, _ = await desk.take()
    reporter = await desk.begin(message)
    await desk.finish(message, reporter)
    await desk.consume()
    desk.clock.advance(LEASE + 1)
    await desk.give_up("process")
    await desk.handle()
    assert await state(desk, added) == ("done", 1)


T = TypeVar("T")


class AwayDatabase(Database):
    async def transact(self, work: Work[T]) -> T:
        async def cut(session: AsyncSession) -> T:
            await work(session)
            raise UnavailableError("The database does not answer.")

        return await super().transact(cut)


async def test_database_that_is_away_costs_no_failure(desk: Desk) -> None:
    added = await desk.add()
    _, reporter = await desk.begun()
    await reporter.failed(TROUBLE)
    away = AwayDatabase(desk.context.db.url)
    for _ in range(desk.context.settings.max_deliveries * 3):
        with pytest.raises(UnavailableError):
            await failures.handle_once(replace(desk.context, db=away), wait_seconds=0)
        desk.clock.advance(LEASE)
    await away.close()
    await desk.handle()
    assert (await desk.job(added)).state == "failed"
    assert [failure.code for failure in await desk.failures()] == [TROUBLE.code]
