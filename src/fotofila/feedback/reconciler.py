"""The reconciler sends jobs again that were lost on the way. Never on age alone: a backlog is no loss."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from sqlalchemy import Select, exists, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from fotofila.core.capability import Context
from fotofila.core.errors import FotofilaError
from fotofila.core.jobs.models import Job, OutboxMessage
from fotofila.core.jobs.service import note, send
from fotofila.core.jobs.states import JobState
from fotofila.core.observability.logs import get_logger
from fotofila.core.observability.metrics import QUEUE_DEPTH, RECONCILED
from fotofila.core.queue import Depth
from fotofila.feedback.pace import sleep

log = get_logger(__name__)

SILENT_LEASES = 3
"""A running job whose worker said nothing for so many leases has no worker."""
QUEUED_LEASES = 2
BATCH = 500


async def run(context: Context, stop: asyncio.Event) -> None:
    """Look now and then until told to stop."""
    while not stop.is_set():
        await sleep(stop, context.settings.reconcile_interval_seconds)
        try:
            await reconcile_once(context)
        except FotofilaError as error:
            log.warning("reconciler.unavailable", sentence=error.message)


async def reconcile_once(context: Context) -> int:
    """Send lost jobs again; returns how many."""
    now = context.clock.now()
    lease = timedelta(seconds=context.settings.lease_seconds)
    async with context.db.read() as session:
        silent = set(await session.scalars(lost(JobState.RUNNING, Job.heartbeat_at, now - SILENT_LEASES * lease)))
        stale = (
            await session.execute(
                lost(JobState.QUEUED, Job.queued_at, now - QUEUED_LEASES * lease).add_columns(Job.lane)
            )
        ).all()
        orphaned = set(await session.scalars(without_message(now - QUEUED_LEASES * lease)))
    depths = {lane: await measure(context, lane) for lane in lanes_of(context) | {lane for _, lane in stale}}
    empty = {lane for lane, depth in depths.items() if depth.ready + depth.leased == 0}
    vanished = {job_id for job_id, lane in stale if lane in empty}
    if not (silent or vanished or orphaned):
        return 0
    async with context.db.write() as session:
        for reason, ids in (("silent", silent), ("vanished", vanished), ("orphaned", orphaned)):
            await send_again(session, ids, reason=reason, now=now)
    return len(silent | vanished | orphaned)


def lost(state: JobState, column: InstrumentedAttribute[datetime | None], before: datetime) -> Select[str]:
    """Select jobs in a state since before a time, for which no message waits in the outbox."""
    waiting = exists().where(OutboxMessage.job_id == Job.id)
    return select(Job.id).where(Job.state == state, column < before, ~waiting).limit(BATCH)


def without_message(before: datetime) -> Select[str]:
    """Select jobs that wait to be sent although nothing in the outbox will send them."""
    waiting = exists().where(OutboxMessage.job_id == Job.id)
    states = [JobState.PENDING, JobState.WAITING]
    return select(Job.id).where(Job.state.in_(states), Job.created_at < before, ~waiting).limit(BATCH)


def lanes_of(context: Context) -> set[str]:
    """Return every lane that this program uses."""
    work = {kind.lane for kind in context.kinds}
    return {"results", "failures", *work, *(f"{lane}.bulk" for lane in work)}


async def measure(context: Context, lane: str) -> Depth:
    """Count a lane, for us and for whoever watches the metrics."""
    depth = await context.queue.depth(lane)
    QUEUE_DEPTH.labels(lane, "ready").set(depth.ready)
    QUEUE_DEPTH.labels(lane, "leased").set(depth.leased)
    return depth


async def send_again(session: AsyncSession, job_ids: set[str], *, reason: str, now: datetime) -> None:
    """Send jobs again as another dispatch of the same attempt."""
    jobs = await session.scalars(select(Job).where(Job.id.in_(job_ids)).with_for_update())
    for job in jobs:
        if job.state in {JobState.DONE, JobState.FAILED, JobState.CANCELLED}:
            continue
        job.dispatch += 1
        job.state = JobState.WAITING
        job.scheduled_at = now
        note(session, job, "reconciled", now, {"reason": reason})
        send(session, job, due_at=now, now=now)
        RECONCILED.labels(reason).inc()
        log.warning("job.reconciled", job_id=job.id, reason=reason, dispatch=job.dispatch)
