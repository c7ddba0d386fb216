"""The relay moves due rows of the outbox to the queue.

Rows are sent first and deleted after: a relay that dies between the two sends twice, and the queue's de-duplication
takes the second one back. No transaction is open while the queue is asked; where there may be several relays, a row is
claimed for a lease before it is sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import bindparam, delete, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.core.capability import Context
from fotofila.core.db.later import insert_later
from fotofila.core.db.locks import lock_rows
from fotofila.core.errors import FotofilaError
from fotofila.core.jobs.models import Job, OutboxMessage
from fotofila.core.jobs.service import INSERT_HOP
from fotofila.core.jobs.states import JobState
from fotofila.core.observability.logs import get_logger
from fotofila.core.observability.metrics import OUTBOX_LAG, RELAYED
from fotofila.core.queue import Outgoing
from fotofila.feedback.gates import Gates
from fotofila.feedback.pace import Gathering, sleep
from fotofila.feedback.turns import next_rows

log = get_logger(__name__)

BATCH = 200
TROUBLE_SECONDS = 0.5

OUTBOX: Any = OutboxMessage.__table__
JOBS: Any = Job.__table__
DELETE_SENT = (
    delete(OUTBOX)
    .where(
        OUTBOX.c.id.in_(bindparam("ids", expanding=True)),
        # SQLite gives the number of a lost row again.
        OUTBOX.c.dedup_id.in_(bindparam("dedup_ids", expanding=True)),
    )
    .returning(OUTBOX.c.job_id)
)
MOVE_JOBS = (
    update(JOBS)
    .where(JOBS.c.id.in_(bindparam("ids", expanding=True)), JOBS.c.state.in_([JobState.PENDING, JobState.WAITING]))
    .values(state=JobState.QUEUED, queued_at=bindparam("at"), scheduled_at=None)
    .returning(JOBS.c.id, JOBS.c.round, JOBS.c.attempt)
)


async def run(context: Context, stop: asyncio.Event) -> None:
    """Relay until told to stop."""
    gates, gathering = Gates(least=context.settings.queue_ready), Gathering()
    while not stop.is_set():
        await gathering.wait(stop)
        mark = context.db.changes.mark()
        try:
            if await relay_once(context, gates):
                gathering.turned()
            else:
                await context.db.changes.wait(context.settings.relay_interval_seconds, since=mark)
        except FotofilaError as error:
            log.warning("relay.unavailable", sentence=error.message)
            await sleep(stop, TROUBLE_SECONDS)


async def relay_once(context: Context, gates: Gates | None = None) -> int:
    """Send one batch of due messages, as far as the gates of their lanes let them; returns how many."""
    gates = gates or Gates(least=context.settings.queue_ready)
    now = context.clock.now()
    if not await context.db.has_row("SELECT 1 FROM outbox WHERE due_at <= :now LIMIT 1", now=now):
        OUTBOX_LAG.set(0)
        return 0
    due = await claim(context, await next_rows(context, gates, now=now, most=BATCH), now=now)
    if not due:
        return 0
    OUTBOX_LAG.set((now - min(row.due_at for row in due)).total_seconds())
    try:
        for lane, rows in groupby(sorted(due, key=lambda row: row.lane), key=lambda row: row.lane):
            messages = [Outgoing(payload=row.payload, dedup_id=row.dedup_id) for row in rows]
            await context.queue.enqueue(lane, messages)
            RELAYED.labels(lane).inc(len(messages))
    except FotofilaError:
        await release(context, due, now=now)
        raise
    sent_at = context.clock.now()
    await context.db.transact(lambda session: mark_sent(session, due, now=sent_at))
    return len(due)


async def claim(context: Context, rows: Sequence[OutboxMessage], *, now: datetime) -> Sequence[OutboxMessage]:
    """Keep other relays away from rows for a lease, by making them due after it; returns those that are ours.

    On PostgreSQL several relays share the work. On SQLite one is enough for all, and what a second one sends as well
    the queue takes back, so a commit is saved.
    """
    if context.db.is_sqlite or not rows:
        return rows
    free = (
        select(OutboxMessage.id)
        .where(OutboxMessage.id.in_([row.id for row in rows]), OutboxMessage.due_at <= now)
        .with_for_update(skip_locked=True)
    )
    until = now + timedelta(seconds=context.settings.lease_seconds)
    async with context.db.write() as session:
        await session.execute(text("SET LOCAL synchronous_commit = off"))  # a claim that is lost costs nothing
        taken = update(OutboxMessage).where(OutboxMessage.id.in_(free)).values(due_at=until)
        ours = set(await session.scalars(taken.returning(OutboxMessage.id)))
    return [row for row in rows if row.id in ours]


async def release(context: Context, rows: Sequence[OutboxMessage], *, now: datetime) -> None:
    """Give claimed rows back, since they could not be sent."""
    if not context.db.is_sqlite:
        async with context.db.write() as session:
            await session.execute(
                update(OutboxMessage).where(OutboxMessage.id.in_([row.id for row in rows])).values(due_at=now)
            )


async def mark_sent(session: AsyncSession, rows: Sequence[OutboxMessage], *, now: datetime) -> None:
    """Delete the rows that were sent and say of their jobs that they are queued.

    Only of those whose row was still there: a relay that slept past its claim finds them sent by another, and their
    jobs may be farther on.
    """
    await lock_rows(session, Job, {row.job_id for row in rows})
    sent = {"ids": [row.id for row in rows], "dedup_ids": [row.dedup_id for row in rows]}
    job_ids = (await session.execute(DELETE_SENT, sent)).scalars().all()
    moved = await session.execute(MOVE_JOBS, {"ids": job_ids, "at": now})
    for job_id, round_, attempt in moved:
        values = {"job_id": job_id, "at": now, "hop": "queued", "round": round_, "attempt": attempt, "detail": None}
        insert_later(session, INSERT_HOP, values)
