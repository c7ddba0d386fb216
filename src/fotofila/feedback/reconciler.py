"""The reconciler sends jobs again that were lost on the way. Never on age alone: a backlog is no loss."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from sqlalchemy import Select, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from fotofila.core.capability import Context
from fotofila.core.db.alone import alone
from fotofila.core.errors import FotofilaError
from fotofila.core.jobs.models import Job, OutboxMessage
from fotofila.core.jobs.service import note, send
from fotofila.core.jobs.states import JobState
from fotofila.core.observability.logs import get_logger
from fotofila.core.observability.metrics import OUTBOX_MESSAGES, QUEUE_DEPTH, RECONCILED
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
            async with alone(context.db, "reconciler") as mine:
                if mine:
                    await reconcile_once(context)
        except FotofilaError as error:
            log.warning("reconciler.unavailable", sentence=error.message)


async def reconcile_once(context: Context) -> int:
    """Send lost jobs again; returns how many."""
    now = context.clock.now()
    lease = timedelta(seconds=context.settings.lease_seconds)
    silent = lost(JobState.RUNNING, Job.heartbeat_at, now - SILENT_LEASES * lease)
    stale = lost(JobState.QUEUED, Job.queued_at, now - QUEUED_LEASES * lease)
    orphaned = without_message(now - QUEUED_LEASES * lease)
    async with context.db.read() as session:
        found = {
            "silent": (silent, set(await session.scalars(silent))),
            "orphaned": (orphaned, set(await session.scalars(orphaned))),
        }
        lanes = {row.id: row.lane for row in await session.execute(stale.add_columns(Job.lane))}
        await count_outbox(context, session)
    depths = {lane: await measure(context, lane) for lane in lanes_of(context) | set(lanes.values())}
    empty = {lane for lane, depth in depths.items() if depth.ready + depth.leased == 0}
    if depths["results"].ready and not await feedback_works(context, now - SILENT_LEASES * lease):
        del found["silent"]  # their signs of life lie there unread
    found["vanished"] = (stale, {job_id for job_id, lane in lanes.items() if lane in empty})
    await follow_clock(context, now)
    sent = 0
    for reason, (query, job_ids) in found.items():
        if job_ids:  # each in a transaction of its own: within one, jobs are held in the order of their ids
            async with context.db.write() as session:
                sent += await send_again(session, query, job_ids, reason=reason, now=now)
    return sent


async def feedback_works(context: Context, since: datetime) -> bool:
    """Say whether anybody has written down a sign of life lately, of any job."""
    heard = select(Job.id).where(Job.state == JobState.RUNNING, Job.heartbeat_at >= since).limit(1)
    async with context.db.read() as session:
        return await session.scalar(heard) is not None


async def follow_clock(context: Context, now: datetime) -> None:
    """Have what was written in the future, before the clock was set back, sent now and not when it is then."""
    ahead = OutboxMessage.created_at > now + timedelta(seconds=context.settings.lease_seconds)
    async with context.db.read() as session:
        if await session.scalar(select(OutboxMessage.id).where(ahead).limit(1)) is None:
            return
    async with context.db.write() as session:
        await session.execute(update(OutboxMessage).where(ahead).values(created_at=now, due_at=now))
    log.warning("clock.went_back")


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


async def count_outbox(context: Context, session: AsyncSession) -> None:
    """Count what waits to be sent, for whoever watches the metrics: a backlog waits there and not in the queue."""
    grouped = await session.execute(select(OutboxMessage.lane, func.count()).group_by(OutboxMessage.lane))
    waiting = {row[0]: row[1] for row in grouped}
    for lane, count in (dict.fromkeys(lanes_of(context), 0) | waiting).items():
        OUTBOX_MESSAGES.labels(lane).set(count)


async def measure(context: Context, lane: str) -> Depth:
    """Count a lane, for us and for whoever watches the metrics."""
    depth = await context.queue.depth(lane)
    QUEUE_DEPTH.labels(lane, "ready").set(depth.ready)
    QUEUE_DEPTH.labels(lane, "leased").set(depth.leased)
    return depth


async def send_again(
    session: AsyncSession, query: Select[str], job_ids: set[str], *, reason: str, now: datetime
) -> int:
    """Send jobs again as another dispatch of the same attempt, those that are still lost now that we hold them."""
    still = query.with_only_columns(Job).where(Job.id.in_(job_ids)).order_by(Job.id).with_for_update()
    jobs = (await session.scalars(still)).all()
    for job in jobs:
        job.dispatch += 1
        job.state = JobState.WAITING
        job.scheduled_at = now
        note(session, job, "reconciled", now, {"reason": reason})
        send(session, job, due_at=now, now=now)
        RECONCILED.labels(reason).inc()
        log.warning("job.reconciled", job_id=job.id, reason=reason, dispatch=job.dispatch)
    return len(jobs)
