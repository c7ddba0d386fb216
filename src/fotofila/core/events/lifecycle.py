"""The ends and new beginnings of a job, with the event, the batch count and the timeline entry that belong to each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.core.db.later import flush_rows
from fotofila.core.errors import ConflictError
from fotofila.core.events.service import append_event
from fotofila.core.jobs.models import Batch, Failure, Job, OutboxMessage, RedrivePolicy
from fotofila.core.jobs.service import note, send
from fotofila.core.jobs.states import FINAL, JobState
from fotofila.core.observability.metrics import JOB_SECONDS, JOBS_FINISHED


async def finish_job(
    session: AsyncSession,
    job: Job,
    state: JobState,
    *,
    now: datetime,
    error: dict[str, Any] | None = None,
    data: dict[str, Any] | None = None,
) -> bool:
    """Give a job its final state; False when it has one already: the first final state of a round wins."""
    if job.state in FINAL:
        return False
    if job.state in {JobState.PENDING, JobState.WAITING} or job.dispatch > 1:  # a message may wait in the outbox
        await flush_rows(session)
        await session.execute(delete(OutboxMessage).where(OutboxMessage.job_id == job.id))
    job.state = state
    job.error = error
    job.finished_at = now
    job.progress = 1.0 if state is JobState.DONE else job.progress
    note(session, job, state.value, now, {"code": error["code"]} if error else None)
    await tell(session, job, f"job.{state.value}", now, {**(data or {}), **({"error": error} if error else {})})
    if job.batch_id is not None:
        await count_in_batch(session, job.batch_id, state, now=now)
    JOBS_FINISHED.labels(job.kind, state.value).inc()
    if job.round == 1:
        JOB_SECONDS.labels(job.kind, state.value).observe((now - job.created_at).total_seconds())
    return True


async def tell(
    session: AsyncSession, job: Job, event_type: str, now: datetime, data: dict[str, Any] | None = None
) -> None:
    """Append an event about a job."""
    await append_event(
        session,
        owner=job.owner,
        event_type=event_type,
        at=now,
        photo_id=job.photo_id,
        job_id=job.id,
        batch_id=job.batch_id,
        data=data,
    )


async def count_in_batch(session: AsyncSession, batch_id: str, state: JobState, *, now: datetime, by: int = 1) -> None:
    """Move a batch's count of one final state; the change that completes the batch tells of it."""
    column = {JobState.DONE: Batch.done, JobState.FAILED: Batch.failed, JobState.CANCELLED: Batch.cancelled}[state]
    await session.execute(update(Batch).where(Batch.id == batch_id).values({column: column + by}))
    batch = await session.get(Batch, batch_id, populate_existing=True)
    if batch is None:
        return
    complete = batch.done + batch.failed + batch.cancelled >= max(batch.total, batch.expected or 0)
    if not complete:
        batch.finished_at = None
    elif batch.finished_at is None:
        batch.finished_at = now
        counts = {"total": batch.total, "done": batch.done, "failed": batch.failed, "cancelled": batch.cancelled}
        await append_event(session, owner=batch.owner, event_type="batch.done", at=now, batch_id=batch.id, data=counts)


async def cancel_job(session: AsyncSession, job: Job, *, now: datetime) -> None:
    """End a job because nobody wants it; a worker that has it learns so from the cancel marker.

    Raises:
        ConflictError: the job is over.
    """
    if not await finish_job(session, job, JobState.CANCELLED, now=now):
        raise ConflictError(f"The job is {job.state} already: there is nothing to cancel.", state=job.state)


async def redrive(session: AsyncSession, failures: Sequence[Failure], *, now: datetime) -> list[Job]:
    """Start a new round of the jobs of open failures; returns those that started.

    Compare-and-set on the round: of two clicks one starts a round and the other finds nothing to do.
    """
    wanted = {failure.job_id: failure for failure in failures if failure.state == "open"}
    query = select(Job).where(Job.id.in_(wanted), Job.state == JobState.FAILED).order_by(Job.id).with_for_update()
    jobs = [job for job in await session.scalars(query) if job.round == wanted[job.id].round]
    for job in jobs:
        failure = wanted[job.id]
        failure.state, failure.redriven_at, failure.redrive_due_at = "redriven", now, None
        restart(session, job, now=now)
    batches: dict[str, int] = {}
    for job in jobs:
        if job.batch_id is not None:
            batches[job.batch_id] = batches.get(job.batch_id, 0) + 1
    for batch_id, count in sorted(batches.items()):
        await count_in_batch(session, batch_id, JobState.FAILED, now=now, by=-count)
    return jobs


def restart(session: AsyncSession, job: Job, *, now: datetime) -> None:
    """Begin the next round of a job: same id, same arguments, same trace."""
    job.round += 1
    job.attempt = job.dispatch = 1
    job.state = JobState.PENDING
    job.error = job.progress = job.execution_id = None
    job.scheduled_at = job.queued_at = job.started_at = job.heartbeat_at = job.finished_at = None
    note(session, job, "redriven", now)
    send(session, job, due_at=now, now=now)


async def policy_wait_seconds(session: AsyncSession, failure: Failure) -> float | None:
    """Return after how many seconds a failure redrives itself, or None when it does not."""
    if failure.permanent:
        return None
    policy = await session.get(RedrivePolicy, (failure.owner, failure.code))
    if policy is None or not policy.enabled:
        return None
    query = select(func.count()).where(Failure.job_id == failure.job_id, Failure.code == failure.code)
    rounds = await session.scalar(query) or 0  # this one included: a redrive is owed to the first `times` of them
    return float(policy.wait_seconds) if rounds <= policy.times else None
