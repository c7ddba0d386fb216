"""What each report means for its job. Within a round the first final state wins; older rounds are ignored."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.core.capability import Context, load
from fotofila.core.db import insert_ignore
from fotofila.core.db.later import flush_rows
from fotofila.core.events.lifecycle import finish_job, tell
from fotofila.core.ids import is_id
from fotofila.core.jobs.keys import execution_prefix
from fotofila.core.jobs.messages import Cancelled, Finished, Heartbeat, Progress, Report, Result, Retrying, Started
from fotofila.core.jobs.models import Job, TimelineEntry, Tombstone
from fotofila.core.jobs.service import note, send
from fotofila.core.jobs.states import FINAL, JobState


async def apply_result(
    context: Context, session: AsyncSession, job: Job | None, message: Result, result: Mapping[str, Any]
) -> None:
    """Make the writes that follow from one report."""
    if job is None or message.round != job.round or job.state in FINAL:
        await bury_loser(context, session, job, message)
        return
    match message:
        case Started():
            await started(context, session, job, message)
        case Progress():
            await progress(context, session, job, message)
        case Heartbeat():
            job.heartbeat_at = context.clock.now()
        case Retrying():
            await retrying(context, session, job, message)
        case Finished():
            await finished(context, session, job, message, result)
        case Cancelled():
            await begun(context, session, job, message)
            await finish_job(session, job, JobState.CANCELLED, now=context.clock.now())


async def bury_loser(context: Context, session: AsyncSession, job: Job | None, message: Result) -> None:
    """Have what a losing execution wrote swept, unless the message is a repetition by the one that won.

    The prefix follows from our own row, not from the owner and the keys that a worker names: those might be another's.
    """
    if job is None or job.photo_id is None or not isinstance(message, Finished) or not message.renditions:
        return  # of a photo that is gone, everything is buried already
    won = job.state == JobState.DONE and job.execution_id == message.execution_id
    if won or not is_id(message.execution_id):
        return
    prefix = execution_prefix(job.owner, job.photo_id, message.execution_id)
    await session.execute(
        insert_ignore(session, Tombstone).values(prefix=prefix, reason="lost", created_at=context.clock.now())
    )


async def started(context: Context, session: AsyncSession, job: Job, message: Started) -> None:
    """A worker began: it is the one whose life we watch."""
    if message.attempt < job.attempt:
        return  # a zombie of an attempt that was given up
    if job.execution_id == message.execution_id:
        return  # told twice
    await begin(context, session, job, message, at=message.created_at)


async def begun(context: Context, session: AsyncSession, job: Job, message: Report) -> None:
    """Write down the beginning that a last report tells of, unless it was told before."""
    if message.started_at is None or message.attempt < job.attempt or job.execution_id == message.execution_id:
        return
    if job.execution_id is not None and await is_noted(session, job, message.execution_id):
        return  # another began after it
    await begin(context, session, job, message, at=message.started_at)


async def begin(context: Context, session: AsyncSession, job: Job, message: Started | Report, *, at: datetime) -> None:
    """Have a job run."""
    now = context.clock.now()
    job.state = JobState.RUNNING
    job.execution_id = message.execution_id
    job.started_at = job.started_at or at
    job.heartbeat_at = now
    job.progress = 0.0
    note(session, job, "started", at, {"worker": message.worker, "execution_id": message.execution_id})
    await tell(session, job, "job.started", now)


async def is_noted(session: AsyncSession, job: Job, execution_id: str) -> bool:
    """Say whether the timeline has the beginning of an execution."""
    await flush_rows(session)
    query = select(TimelineEntry.detail).where(TimelineEntry.job_id == job.id, TimelineEntry.hop == "started")
    return any((detail or {}).get("execution_id") == execution_id for detail in await session.scalars(query))


async def progress(context: Context, session: AsyncSession, job: Job, message: Progress) -> None:
    """Show how far it is."""
    if message.execution_id != job.execution_id:
        return
    job.heartbeat_at = context.clock.now()
    job.progress = message.progress
    await tell(session, job, "job.progress", job.heartbeat_at, {"progress": message.progress})


async def retrying(context: Context, session: AsyncSession, job: Job, message: Retrying) -> None:
    """Send the job again later; a snooze repeats the attempt, an error counts one."""
    stale = (message.attempt, message.dispatch) != (job.attempt, job.dispatch)
    if stale:
        return  # this attempt was sent again already
    await begun(context, session, job, message)
    now = context.clock.now()
    if message.snooze:
        job.dispatch += 1
    else:
        job.attempt += 1
        job.dispatch = 1
    job.state = JobState.WAITING
    job.scheduled_at = now + timedelta(seconds=message.wait_seconds or 0)
    job.error = message.error.model_dump(include={"code", "sentence", "permanent"})
    note(session, job, "waiting", now, {"code": message.error.code, "until": job.scheduled_at.isoformat()})
    send(session, job, due_at=job.scheduled_at, now=now)
    await tell(session, job, "job.retrying", now, {"attempt": job.attempt, "code": message.error.code})


async def finished(
    context: Context, session: AsyncSession, job: Job, message: Finished, result: Mapping[str, Any]
) -> None:
    """Adopt what the execution made and let the kind write its rows."""
    prefix = execution_prefix(job.owner, job.photo_id or "", message.execution_id)
    inside = all(rendition.key == prefix + rendition.name for rendition in message.renditions)
    if not inside:
        raise ValueError(f"execution {message.execution_id} reports an object outside its own prefix")
    kind = context.kinds.get(job.kind)
    await begun(context, session, job, message)
    job.execution_id = message.execution_id
    note(session, job, "finished", message.created_at, {"seconds": message.seconds, **message.timings})
    facts = await load(kind.apply)(session, job, result, message.renditions, context.clock.now())
    await finish_job(session, job, JobState.DONE, now=context.clock.now(), data=facts or {})
