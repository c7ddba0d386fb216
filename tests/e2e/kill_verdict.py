"""What must hold at the end of the kill test, read from the database, the queue and storage themselves."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from fotofila.core.capability import Context
from fotofila.core.events.models import Event
from fotofila.core.jobs.models import Batch, Failure, Job, OutboxMessage
from fotofila.core.jobs.states import FINAL, OPEN
from fotofila.core.queue import Depth
from fotofila.feedback.sweeper import sweep_once
from fotofila.library.models import Photo, Rendition
from tests.e2e.kill_client import Accepted

LOOK_SECONDS = 0.25
LANES = ("process", "process.bulk", "results", "failures")
EXCUSES = frozenset({"crashed", "workers_died", "worker_stopped"})
"""Why a photo that asked for nothing may fail: whoever worked on it was killed, again and again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Every row that the verdict looks at."""

    photos: Sequence[Photo]
    jobs: dict[str, Job]
    renditions: dict[str, list[Rendition]]
    events: Sequence[Event]
    failures: Sequence[Failure]
    batches: Sequence[Batch]


async def open_jobs(context: Context) -> int:
    """Count the jobs that are not over."""
    async with context.db.read() as session:
        return await session.scalar(select(func.count()).where(Job.state.in_(OPEN))) or 0


async def wait_until_over(context: Context, *, seconds: float) -> None:
    """Wait until no job is open, the outbox is empty and so is the queue."""
    try:
        async with asyncio.timeout(seconds):
            while await left_over(context):  # noqa: ASYNC110 - no event tells of other processes
                await asyncio.sleep(LOOK_SECONDS)
    except TimeoutError:
        raise AssertionError(f"not over after {seconds} seconds: {await left_over(context)}") from None


async def left_over(context: Context) -> dict[str, Any]:
    """Return what is not over yet."""
    async with context.db.read() as session:
        found: dict[str, Any] = {
            "jobs": (await session.scalars(select(Job.id).where(Job.state.in_(OPEN)).limit(5))).all(),
            "outbox": await session.scalar(select(func.count()).select_from(OutboxMessage)),
        }
    for lane in LANES:
        depth = await context.queue.depth(lane)
        found[lane] = 0 if depth == Depth(ready=0, leased=0) else depth
    return {name: value for name, value in found.items() if value}


async def read_rows(context: Context) -> Rows:
    """Read everything."""
    async with context.db.read() as session:
        renditions: dict[str, list[Rendition]] = defaultdict(list)
        for rendition in await session.scalars(select(Rendition)):
            renditions[rendition.photo_id].append(rendition)
        return Rows(
            photos=(await session.scalars(select(Photo))).all(),
            jobs={job.id: job for job in await session.scalars(select(Job))},
            renditions=renditions,
            events=(await session.scalars(select(Event).order_by(Event.id))).all(),
            failures=(await session.scalars(select(Failure))).all(),
            batches=(await session.scalars(select(Batch))).all(),
        )


async def judge(
    context: Context, accepted: dict[str, Accepted], *, names: set[str], excuses: frozenset[str] = frozenset()
) -> Counter[str]:
    """Assert every promise; returns how many jobs ended how. `excuses` are further reasons why a photo may fail."""
    assert await left_over(context) == {}
    await sweep_once(context)
    rows = await read_rows(context)
    assert len(rows.jobs) == len(rows.photos), "one job for each photo"
    for photo in rows.photos:
        await judge_photo(context, rows, photo, accepted.get(photo.id), names)
    assert not (set(accepted) - {photo.id for photo in rows.photos}), "photos that were answered for are gone"
    judge_events(rows)
    if context.db.is_sqlite:  # PostgreSQL leaves out the numbers of what was rolled back
        ids = [event.id for event in rows.events]
        assert ids == list(range(ids[0], ids[0] + len(ids))), "ids of events have gaps"
    judge_failures(rows, accepted, EXCUSES | excuses)
    judge_batches(rows)
    await judge_objects(context, rows)
    return Counter(str(job.error["code"] if job.error else job.state) for job in rows.jobs.values())


async def judge_photo(context: Context, rows: Rows, photo: Photo, one: Accepted | None, names: set[str]) -> None:
    """Assert that a photo ended, with exactly one result, and that its original is what was sent."""
    job, renditions = rows.jobs[photo.job_id], rows.renditions[photo.id]
    assert job.state in FINAL, f"{photo.id} is {job.state}"
    original = await context.storage.get(photo.original_key)
    assert len(original) == photo.size_bytes
    assert hashlib.sha256(original).hexdigest() == photo.checksum_sha256
    if one is not None:
        assert original == one.body
    if job.state != "done":
        assert renditions == [], f"{photo.id} is {job.state} and has a result"
        return
    assert {rendition.execution_id for rendition in renditions} == {job.execution_id}
    assert {rendition.name for rendition in renditions} == names
    for rendition in renditions:
        assert (await context.storage.head(rendition.key)).size_bytes == rendition.size_bytes > 0


def judge_events(rows: Rows) -> None:
    """Assert that each job was told of once when it began and once when it ended, in every round."""
    created = Counter(event.photo_id for event in rows.events if event.type == "photo.created")
    assert created == Counter(photo.id for photo in rows.photos)
    ends = [event for event in rows.events if event.type in {"job.done", "job.failed", "job.cancelled"}]
    assert Counter(event.job_id for event in ends) == Counter({job.id: job.round for job in rows.jobs.values()})
    last = {event.job_id: event.type for event in ends}
    assert last == {job.id: f"job.{job.state}" for job in rows.jobs.values()}


def judge_failures(rows: Rows, accepted: dict[str, Accepted], excuses: frozenset[str]) -> None:
    """Assert that each failed job has its reason, and that it is one that the photo or the kills explain."""
    told = {failure.job_id: failure for failure in rows.failures}
    assert len(told) == len(rows.failures)
    assert set(told) == {job.id for job in rows.jobs.values() if job.state == "failed"}
    for failure in rows.failures:
        one = accepted.get(failure.photo_id or "")
        asked = {b"fotofila:retry": "ordered", b"fotofila:discard": "ordered_permanent"}
        wanted = excuses | ({asked[one.order]} if one and one.order in asked else set())
        assert failure.code in wanted or one is None, f"{failure.code}: {failure.sentence}\n{failure.stack}"
        assert failure.payload["job_id"] == failure.job_id
    for one in accepted.values():
        if one.order in {b"fotofila:crash", b"fotofila:retry", b"fotofila:discard"}:
            assert rows.jobs[one.job_id].state == "failed"


def judge_batches(rows: Rows) -> None:
    """Assert that the counts are those of the jobs, and that the end was told."""
    for batch in rows.batches:
        states = Counter(str(job.state) for job in rows.jobs.values() if job.batch_id == batch.id)
        assert (batch.done, batch.failed, batch.cancelled) == tuple(states[s] for s in ("done", "failed", "cancelled"))
        assert batch.total == states.total()
        if batch.total:
            assert batch.finished_at is not None
            told = [event for event in rows.events if event.type == "batch.done" and event.batch_id == batch.id]
            assert told
            assert told[-1].data["done"] == batch.done


async def judge_objects(context: Context, rows: Rows) -> None:
    """Assert that every object has its row and every row its object."""
    stored = {info.key async for info in context.storage.list("")}
    wanted = {photo.original_key for photo in rows.photos}
    wanted |= {rendition.key for renditions in rows.renditions.values() for rendition in renditions}
    assert stored - wanted == set(), "objects without a row"
    assert wanted - stored == set(), "rows without their object"
