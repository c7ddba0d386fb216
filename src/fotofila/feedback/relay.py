"""The relay moves due rows of the outbox to the queue.

Rows are sent first and deleted after: a relay that dies between the two sends twice, and the queue's de-duplication
takes the second one back. No transaction is open while the queue is asked; where there may be several relays, a row is
claimed for a lease before it is sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from fotofila.core.capability import Context
from fotofila.core.db.plain import Plain
from fotofila.core.errors import FotofilaError
from fotofila.core.observability.logs import get_logger
from fotofila.core.observability.metrics import OUTBOX_LAG, RELAYED
from fotofila.core.queue import Outgoing
from fotofila.feedback.claims import claim_rows, give_back, write_sent
from fotofila.feedback.gates import Gates
from fotofila.feedback.pace import Gathering, sleep, spare_for
from fotofila.feedback.turns import Due, next_rows

log = get_logger(__name__)

BATCH = 200
TROUBLE_SECONDS = 0.5
SOME = 16
SOME_DUE = "SELECT 1 FROM outbox WHERE due_at <= :now LIMIT 1"
SOME_QUEUED = "SELECT 1 FROM jobs WHERE state = 'queued' LIMIT 1 OFFSET :more"

DELETE_SENT = "DELETE FROM outbox WHERE id = $1 AND dedup_id = $2 RETURNING job_id"
"""SQLite gives the number of a lost row again."""
MOVE_JOB = """
UPDATE jobs SET state = 'queued', queued_at = $2, scheduled_at = NULL
WHERE id = $1 AND state IN ('pending', 'waiting') RETURNING id, round, attempt
"""
NOTE = "INSERT INTO job_timeline (job_id, round, attempt, hop, at) VALUES ($1, $2, $3, 'queued', $4)"


async def run(context: Context, stop: asyncio.Event) -> None:
    """Relay until told to stop."""
    gates, gathering = Gates(least=context.settings.queue_ready), Gathering()
    while not stop.is_set():
        await gathering.wait(stop)
        mark = context.db.changes.mark()
        try:
            if await relay_once(context, gates):
                gathering.turned(gates.spare_seconds)
            else:
                if not gates.all_open:
                    gathering.turned(gates.nap_seconds)
                seconds = context.settings.relay_interval_seconds
                await context.db.changes.wait(seconds, since=mark, worth=lambda: may_be_due(context))
        except FotofilaError as error:
            log.warning("relay.unavailable", sentence=error.message)
            await sleep(stop, TROUBLE_SECONDS)


def may_be_due(context: Context) -> bool:
    """Say whether a row is due, as far as that can be seen at a glance."""
    return context.db.glance(SOME_DUE, now=context.clock.now()) != []


async def relay_once(context: Context, gates: Gates | None = None) -> int:
    """Send one batch of due messages, as far as the gates of their lanes let them; returns how many."""
    gates = gates or Gates(least=context.settings.queue_ready)
    now = context.clock.now()
    due = await take(context, gates, now=now)
    if not due:
        return 0
    OUTBOX_LAG.set((now - min(row.due_at for row in due)).total_seconds())
    try:
        for lane, rows in groupby(sorted(due, key=lambda row: row.lane), key=lambda row: row.lane):
            messages = [Outgoing(payload=row.payload, dedup_id=row.dedup_id) for row in rows]
            await context.queue.enqueue(lane, messages)
            RELAYED.labels(lane).inc(len(messages))
    except FotofilaError:
        if not context.db.is_sqlite:
            await give_back(context, due, now=now)
        raise
    await write_down(context, gates, due)
    return len(due)


async def take(context: Context, gates: Gates, *, now: datetime) -> Sequence[Due]:
    """Return the rows that are to be sent now.

    On PostgreSQL several relays share the work, and each keeps others away from its rows for a lease. On SQLite one is
    enough for all, and what a second one sends as well the queue takes back, so a commit is saved.
    """
    if not context.db.is_sqlite:
        due = await claim_rows(context, gates, now=now, most=BATCH)
    elif await context.db.has_row(SOME_DUE, now=now):
        return await next_rows(context, gates, now=now, most=BATCH)
    else:
        due = ()
    if not due and gates.all_open:
        OUTBOX_LAG.set(0)
    return due


async def write_down(context: Context, gates: Gates, rows: Sequence[Due]) -> None:
    """Delete the rows that were sent and say of their jobs that they are queued."""
    now = context.clock.now()
    if context.db.is_sqlite:
        queued = SOME if await context.db.has_row(SOME_QUEUED, more=SOME - 1) else 0
        await context.db.transact_plainly(lambda plain, _: mark_sent(plain, rows, now=now), durably=False)
    else:
        queued = await write_sent(context, rows, now=now, count_to=gates.least)
    gates.moved(len(rows), queued=queued)
    gates.spare_seconds = spare_for((row.lane for row in rows), gates.spare_seconds)


async def mark_sent(plain: Plain, rows: Sequence[Due], *, now: datetime) -> None:
    """Do so on SQLite, without waiting for the disk: what a power cut takes back is sent again.

    Only of those whose row was still there: a relay that slept finds them sent by another, and their jobs may be
    farther on.
    """
    for row in rows:
        for (job_id,) in await plain.rows(DELETE_SENT, row.id, row.dedup_id):
            for moved in await plain.rows(MOVE_JOB, job_id, now):
                await plain.rows(NOTE, *moved, now)
