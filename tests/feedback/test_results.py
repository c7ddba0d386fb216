from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from sqlalchemy import select, text

from fotofila.core.errors import UnavailableError
from fotofila.core.events.lifecycle import redrive
from fotofila.core.ids import new_id
from fotofila.core.jobs import messages
from fotofila.core.jobs.keys import claim_key
from fotofila.core.jobs.models import OutboxMessage
from fotofila.core.queue import Outgoing
from fotofila.core.storage.local import LocalStorage
from fotofila.feedback import results
from fotofila.feedback.sweeper import sweep_once
from fotofila.library.delete import delete_photo
from tests.feedback.conftest import OWNER, TROUBLE, Desk

LEASE_AND_MORE = 31
FINAL_EVENTS = ("job.done", "job.failed", "job.cancelled")


async def test_result_is_adopted(desk: Desk) -> None:
    added = await desk.add()
    message, reporter = await desk.begun()
    running = await desk.job(added)
    assert (running.state, running.execution_id, running.heartbeat_at) == (
        "running",
        reporter.execution_id,
        desk.clock.now(),
    )
    await desk.finish(message, reporter, {"told": "all"})
    await desk.consume()
    done = await desk.job(added)
    assert (done.state, done.progress, done.finished_at, done.error) == ("done", 1.0, desk.clock.now(), None)
    assert (await desk.photo(added)).exif == {"told": "all"}
    assert await desk.events() == ["photo.created", "job.started", "job.done"]


async def test_of_two_executions_the_first_final_state_wins(desk: Desk) -> None:
    added = await desk.add()
    message, first = await desk.begun()
    second = await desk.begin(message)
    kept = await desk.finish(message, first, {"told": "first"})
    lost = await desk.finish(message, second, {"told": "second"})
    await desk.consume()
    assert (await desk.job(added)).execution_id == first.execution_id
    assert (await desk.photo(added)).exif == {"told": "first"}
    assert await desk.events(*FINAL_EVENTS) == ["job.done"]
    assert await desk.objects() == sorted([kept, lost])
    await sweep_once(desk.context)
    assert await desk.objects() == [kept]


async def test_the_slower_of_two_may_have_begun_first(desk: Desk) -> None:
    await desk.add()
    message, zombie = await desk.begun()
    other = await desk.begin(message)
    await desk.consume()
    kept = await desk.finish(message, other)
    await desk.consume()
    await desk.finish(message, zombie)
    await desk.consume()
    await sweep_once(desk.context)
    assert await desk.objects() == [kept]
    assert await desk.events(*FINAL_EVENTS) == ["job.done"]


async def test_failure_after_the_result_changes_nothing(desk: Desk) -> None:
    added = await desk.add()
    message, first = await desk.begun()
    second = await desk.begin(message)
    await desk.finish(message, first)
    await desk.consume()
    await second.failed(TROUBLE)
    await desk.handle()
    assert (await desk.job(added)).state == "done"
    assert await desk.failures() == []


async def test_result_after_the_failure_is_swept(desk: Desk) -> None:
    added = await desk.add()
    message, first = await desk.begun()
    second = await desk.begin(message)
    await first.failed(TROUBLE)
    await desk.handle()
    await desk.finish(message, second, {"told": "late"})
    await desk.consume()
    assert (await desk.job(added)).state == "failed"
    assert (await desk.photo(added)).exif is None
    assert await desk.events(*FINAL_EVENTS) == ["job.failed"]
    await sweep_once(desk.context)
    assert await desk.objects() == []


async def test_reports_of_an_older_round_are_ignored(desk: Desk) -> None:
    added = await desk.add()
    message, zombie = await desk.begun()
    other = await desk.begin(message)
    await other.failed(TROUBLE)
    await desk.handle()
    async with desk.context.db.write() as session:
        await redrive(session, await desk.failures(), now=desk.clock.now())
    await zombie.retrying(TROUBLE, wait_seconds=0)
    await zombie.cancelled("late")
    await zombie.failed(TROUBLE)
    await desk.finish(message, zombie)
    await desk.consume()
    await desk.handle()
    job = await desk.job(added)
    assert (job.round, job.attempt, job.state) == (2, 1, "pending")
    again, reporter = await desk.begun()
    assert (again.round, again.job_id) == (2, message.job_id)
    kept = await desk.finish(again, reporter)
    await desk.consume()
    await sweep_once(desk.context)
    assert await desk.objects() == [kept]
    assert await desk.events(*FINAL_EVENTS) == ["job.failed", "job.done"]


async def test_repetition_by_the_winner_harms_nothing(desk: Desk) -> None:
    await desk.add()
    message, reporter = await desk.begun()
    kept = await desk.finish(message, reporter)
    (delivery,) = await desk.receive("results")
    await desk.context.queue.enqueue("results", [Outgoing(payload=delivery.payload)] * 3)
    await desk.consume()
    await sweep_once(desk.context)
    assert await desk.objects() == [kept]
    assert await desk.events(*FINAL_EVENTS) == ["job.done"]


async def test_loser_cannot_have_anothers_result_swept(desk: Desk) -> None:
    """What is buried follows from the job's own row, not from what a message says of keys and owners."""
    await desk.add()
    victim, reporter = await desk.begun()
    kept = await desk.finish(victim, reporter)
    await desk.consume()
    await desk.add()
    message, other = await desk.begun()
    await desk.finish(message, other)
    await desk.consume()
    assert victim.source is not None
    for owner, execution_id, key in [
        (OWNER, reporter.execution_id, kept),
        (f"../originals/{OWNER}", "x", kept),
        (OWNER, "..", kept),
        (OWNER, new_id(), f"renditions/{OWNER}/.."),
        (OWNER, new_id(), "nothing"),
    ]:
        forged = messages.Finished(
            **{
                **message.model_dump(include=set(messages.Message.model_fields) - {"schema_version"}),
                "owner": owner,
                "execution_id": execution_id,
            },
            result={},
            renditions=(messages.Rendition(name="note.txt", key=key, media_type="text/plain", size_bytes=4),),
        )
        await desk.context.queue.enqueue("results", [Outgoing(payload=forged.dump())])
        await desk.consume()
    originals = await desk.objects("originals/")
    await sweep_once(desk.context)
    assert kept in await desk.objects()
    assert await desk.objects("originals/") == originals


async def test_large_result_goes_by_storage_and_is_cleaned_up(desk: Desk) -> None:
    added = await desk.add()
    message, reporter = await desk.begun()
    large = {"told": "x" * 100_000}
    await desk.finish(message, reporter, dict(large))
    assert await desk.objects("claims/") == [claim_key(message.job_id, reporter.execution_id)]
    (delivery,) = await desk.receive("results")
    assert len(delivery.payload) < 5000
    await desk.context.queue.nack(delivery)
    await desk.consume()
    assert (await desk.photo(added)).exif == large
    assert await desk.objects("claims/") == []


@pytest.mark.parametrize("claim", ["claims/{other}/{execution}", "claims/{job}/{other}", "originals/{owner}/{photo}"])
async def test_claim_outside_its_execution_is_refused(desk: Desk, claim: str) -> None:
    added = await desk.add()
    message, reporter = await desk.begun()
    key = claim.format(
        other=new_id(), execution=reporter.execution_id, job=message.job_id, owner=OWNER, photo=added.photo.id
    )
    if not key.startswith("originals/"):
        await desk.context.storage.put(key, b'{"told": "stolen"}')
    forged = messages.Finished(**reporter._envelope(), result=None, claim_key=key)
    await desk.context.queue.enqueue("results", [Outgoing(payload=forged.dump())])
    await desk.consume()
    await desk.handle()
    (failure,) = await desk.failures()
    assert (failure.code, failure.job_id) == ("result_not_applied", message.job_id)
    assert (await desk.photo(added)).exif is None
    assert await desk.context.storage.exists(key)


async def test_rendition_outside_its_execution_is_refused(desk: Desk) -> None:
    added = await desk.add()
    _, reporter = await desk.begun()
    file = messages.Rendition(
        name="note.txt", key=f"originals/{OWNER}/{added.photo.id}", media_type="text/plain", size_bytes=4
    )
    await reporter.finished({}, (file,), 0.1, {})
    for _ in range(4):
        await desk.consume()
        desk.clock.advance(5)
    await desk.handle()
    assert [failure.code for failure in await desk.failures()] == ["result_not_applied"]
    assert (await desk.job(added)).state == "failed"


async def test_poisoned_result_stops_nobody_else(desk: Desk) -> None:
    photos = [await desk.add() for _ in range(3)]
    for number, poison in enumerate((False, True, False)):
        message, reporter = await desk.begun()
        await desk.finish(message, reporter, {"told": number, "poison": poison})
    await desk.consume()
    assert [(await desk.job(added)).state for added in photos] == ["done", "running", "done"]
    for _ in range(4):
        desk.clock.advance(5)
        await desk.consume()
    await desk.handle()
    poisoned = await desk.job(photos[1])
    assert (poisoned.state, (await desk.photo(photos[1])).exif) == ("failed", None)
    (failure,) = await desk.failures()
    assert (failure.code, failure.permanent, failure.payload["type"]) == ("result_not_applied", False, "finished")
    assert await desk.events(*FINAL_EVENTS) == ["job.done", "job.done", "job.failed"]


@pytest.mark.parametrize("payload", [b"", b"no json", b'{"type": "finished"}', b'{"type": "unknown"}', b"[]", b'{"a'])
async def test_report_that_nobody_wrote_stops_nobody(desk: Desk, payload: bytes) -> None:
    added = await desk.add()
    await desk.context.queue.enqueue("results", [Outgoing(payload=payload)])
    message, reporter = await desk.begun()
    await desk.finish(message, reporter)
    for _ in range(5):
        await desk.consume()
        await desk.handle()
        desk.clock.advance(LEASE_AND_MORE)
    assert (await desk.job(added)).state == "done"
    for lane in ("results", "failures"):
        assert (await desk.context.queue.depth(lane)).ready == 0


async def test_retry_is_sent_when_its_wait_is_over(desk: Desk) -> None:
    added = await desk.add()
    message, reporter = await desk.begun()
    await reporter.retrying(TROUBLE, wait_seconds=60)
    await desk.consume()
    job = await desk.job(added)
    assert (job.state, job.attempt, job.dispatch) == ("waiting", 2, 1)
    assert job.scheduled_at == desk.clock.now() + timedelta(seconds=60)
    assert job.error == {"code": "ordered", "sentence": "It did not work.", "permanent": False}
    desk.clock.advance(59)
    with pytest.raises(ValueError, match="not enough values"):
        await desk.take()
    desk.clock.advance(1)
    again, second = await desk.begun()
    assert (again.attempt, again.dispatch, again.round, again.args) == (2, 1, 1, message.args)
    await desk.finish(again, second)
    await desk.consume()
    assert (await desk.job(added)).state == "done"


async def test_retry_that_is_told_twice_is_one_retry(desk: Desk) -> None:
    added = await desk.add()
    message, first = await desk.begun()
    second = await desk.begin(message)
    await first.retrying(TROUBLE, wait_seconds=0)
    await second.retrying(TROUBLE, wait_seconds=0)
    await desk.consume()
    assert ((await desk.job(added)).attempt, (await desk.job(added)).dispatch) == (2, 1)
    async with desk.context.db.read() as session:
        assert len((await session.scalars(select(OutboxMessage))).all()) == 1


async def test_snooze_costs_no_attempt(desk: Desk) -> None:
    added = await desk.add()
    for dispatch in range(1, 8):
        message, reporter = await desk.begun()
        assert (message.attempt, message.dispatch) == (1, dispatch)
        await reporter.retrying(TROUBLE, wait_seconds=10, snooze=True)
        await desk.consume()
        desk.clock.advance(10)
    assert (await desk.job(added)).state == "waiting"


async def test_progress_counts_for_the_execution_that_is_watched(desk: Desk) -> None:
    added = await desk.add()
    message, zombie = await desk.begun()
    reporter = await desk.begin(message)
    await reporter.progress(0.25)
    await zombie.progress(0.75)
    await desk.consume()
    assert (await desk.job(added)).progress == 0.25


async def test_beginning_of_an_attempt_that_was_given_up_is_ignored(desk: Desk) -> None:
    added = await desk.add()
    message, reporter = await desk.begun()
    await reporter.retrying(TROUBLE, wait_seconds=60)
    await desk.consume()
    await desk.begin(message)
    await desk.consume()
    job = await desk.job(added)
    assert (job.state, job.attempt) == ("waiting", 2)


async def test_beginning_that_is_told_twice_is_one_beginning(desk: Desk) -> None:
    await desk.add()
    message, delivery = await desk.take()
    await desk.begin(message)
    (told,) = await desk.receive("results")
    await desk.context.queue.enqueue("results", [Outgoing(payload=told.payload)] * 2)
    await desk.consume()
    assert await desk.events() == ["photo.created", "job.started"]
    assert delivery.deliveries == 1


async def test_cancelled_by_the_worker(desk: Desk) -> None:
    added = await desk.add()
    _, reporter = await desk.begun()
    await reporter.cancelled("nobody wants it")
    await desk.consume()
    assert (await desk.job(added)).state == "cancelled"
    assert await desk.events(*FINAL_EVENTS) == ["job.cancelled"]


async def test_report_on_a_photo_that_was_deleted_is_ignored(desk: Desk) -> None:
    added = await desk.add()
    message, reporter = await desk.begun()
    async with desk.context.db.write() as session:
        photo = await session.get_one(type(added.photo), added.photo.id)
        await delete_photo(session, photo, now=desk.clock.now())
    await desk.finish(message, reporter)
    await reporter.failed(TROUBLE)
    await desk.consume()
    await desk.handle()
    assert await desk.failures() == []
    await sweep_once(desk.context)
    assert await desk.objects("") == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_database_that_is_away_costs_no_result(desk: Desk, tmp_path: Path) -> None:
    """However long it takes: the queue must not give up on results because nobody could write them down."""
    added = await desk.add()
    message, reporter = await desk.begun()
    await desk.finish(message, reporter)
    await desk.context.db.transact(lambda session: session.execute(text("PRAGMA busy_timeout=1")))
    with contextlib.closing(sqlite3.connect(tmp_path / "fotofila.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for _ in range(desk.context.settings.max_deliveries * 3):
            with pytest.raises(UnavailableError):
                await desk.consume()
            desk.clock.advance(LEASE_AND_MORE)
        other.execute("ROLLBACK")
    await desk.consume()
    assert (await desk.job(added)).state == "done"
    assert await desk.receive("failures") == []


class AwayStorage(LocalStorage):
    async def get(self, key: str) -> bytes:
        raise UnavailableError(f"Nobody answers for {key}.")


async def test_storage_that_is_away_costs_no_result(desk: Desk, tmp_path: Path) -> None:
    """A large result lies there; and those that came with it must not suffer either."""
    large, small = await desk.add(), await desk.add()
    first, second = await desk.begun(), await desk.begun()
    await desk.finish(*first, {"told": "x" * 100_000})
    await desk.finish(*second, {"told": "little"})
    away = replace(desk.context, storage=AwayStorage(tmp_path / "objects"))
    for _ in range(desk.context.settings.max_deliveries * 3):
        with pytest.raises(UnavailableError):
            await results.consume_once(away, wait_seconds=0)
        desk.clock.advance(LEASE_AND_MORE)
    await desk.consume()
    assert [(await desk.job(one)).state for one in (large, small)] == ["done", "done"]


async def test_report_of_a_newer_worker_waits_for_who_can_read_it(desk: Desk) -> None:
    """And holds nobody else's up."""
    newer, ours = await desk.add(), await desk.add()
    first, second = await desk.begun(), await desk.begun()
    await desk.finish(*first)
    (delivery,) = await desk.receive("results")
    await desk.context.queue.ack([delivery])
    payload = {**orjson.loads(delivery.payload), "schema": 2, "type": "finished.in.parts"}
    await desk.context.queue.enqueue("results", [Outgoing(payload=orjson.dumps(payload))])
    await desk.finish(*second)
    await results.consume_once(desk.context, wait_seconds=0)
    assert (await desk.job(ours)).state == "done"
    for _ in range(desk.context.settings.max_deliveries * 2):
        with pytest.raises(results.NewerResultsError):
            await results.consume_once(desk.context, wait_seconds=0)
        desk.clock.advance(LEASE_AND_MORE)
    await desk.handle()
    assert (await desk.job(newer)).state == "running"
    assert (await desk.context.queue.depth("results")).ready == 1
