"""The failure handler: tells each failure once, keeps why, and redrives what a policy says.

Two kinds of message come here: ours, written by a worker that knows why; and dead letters, untouched messages that the
queue gave up on because their receivers kept dying.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.core.capability import Context
from fotofila.core.db.gaps import without_gaps
from fotofila.core.db.locks import is_postgresql, lock_rows, try_name
from fotofila.core.errors import FotofilaError, UnavailableError
from fotofila.core.events.lifecycle import finish_job, policy_wait_seconds, redrive
from fotofila.core.ids import is_id, new_id
from fotofila.core.jobs.messages import (
    ErrorInfo,
    Failed,
    Heartbeat,
    Message,
    Progress,
    Started,
    UnreadableMessageError,
    read_failed,
    read_process,
    read_result,
)
from fotofila.core.jobs.models import Batch, Failure, Job
from fotofila.core.jobs.states import FINAL, JobState
from fotofila.core.observability.logs import get_logger
from fotofila.core.observability.metrics import FAILURES
from fotofila.core.queue import Delivery
from fotofila.feedback.pace import sleep
from fotofila.feedback.transitions import begun

log = get_logger(__name__)

LANE = "failures"
BATCH = 20
WAIT_SECONDS = 2.0
TROUBLE_SECONDS = 1.0
REDRIVE_BATCH = 200


async def run(context: Context, stop: asyncio.Event) -> None:
    """Handle failures until told to stop."""
    while not stop.is_set():
        try:
            await handle_once(context, wait_seconds=WAIT_SECONDS)
            await redrive_due(context)
        except FotofilaError as error:
            log.warning("failures.unavailable", sentence=error.message)
            await sleep(stop, TROUBLE_SECONDS)


async def handle_once(context: Context, *, wait_seconds: float) -> int:
    """Write down one batch of failures; returns how many."""
    deliveries = await context.queue.receive(
        [LANE], max_messages=BATCH, wait_seconds=wait_seconds, lease_seconds=context.settings.lease_seconds
    )
    if deliveries:
        await record_batch(context, deliveries)
    return len(deliveries)


async def record_batch(context: Context, deliveries: Sequence[Delivery]) -> None:
    """Write all down in one transaction; when that fails, one by one, so that one bad failure hides no other."""
    try:
        await context.db.transact(lambda session: write(context, session, deliveries))
    except UnavailableError:
        for delivery in deliveries:
            await context.queue.nack(delivery, delay_seconds=TROUBLE_SECONDS)
        raise
    except Exception as error:
        if len(deliveries) == 1:
            log.exception("failure.not_recorded", error=repr(error))
            await context.queue.nack(deliveries[0], delay_seconds=context.settings.lease_seconds)
            return
        for delivery in deliveries:
            await record_batch(context, [delivery])
    else:
        await context.queue.ack(deliveries)


async def write(context: Context, session: AsyncSession, deliveries: Sequence[Delivery]) -> None:
    """Write a batch down."""
    await hold_jobs(session, deliveries)
    for delivery in deliveries:
        await record(context, session, delivery)


async def hold_jobs(session: AsyncSession, deliveries: Sequence[Delivery]) -> None:
    """Hold the jobs of a batch and then their batches, in order, so that two handlers cannot wait crosswise."""
    named = {read_object(delivery.payload).get("job_id") for delivery in deliveries}
    job_ids = {job_id for job_id in named if isinstance(job_id, str) and is_id(job_id)}
    await lock_rows(session, Job, job_ids)
    if is_postgresql(session):
        query = select(Job.batch_id).where(Job.id.in_(job_ids), Job.batch_id.is_not(None))
        await lock_rows(session, Batch, set(await session.scalars(query)))


async def record(context: Context, session: AsyncSession, delivery: Delivery) -> None:
    """Write down one failure, unless its round is over or another delivery told of it."""
    try:
        message, error, payload = understand(context, delivery)
    except UnreadableMessageError as unreadable:
        log.critical("failure.unreadable", sentence=unreadable.message, payload=delivery.payload[:2000].hex())
        return
    job = await session.get(Job, message.job_id, with_for_update=True)
    if job is None or job.round != message.round or job.state in FINAL:
        return
    if delivery.dead_letter and not is_loss(job, message):
        log.warning("failure.ignored", job_id=job.id, kind=job.kind, attempt=message.attempt)
        return
    if isinstance(message, Failed):
        await begun(context, session, job, message)
    now = context.clock.now()
    failure = Failure(
        id=new_id(),
        owner=job.owner,
        job_id=job.id,
        photo_id=job.photo_id,
        kind=job.kind,
        round=job.round,
        attempt=message.attempt,
        code=error.code,
        sentence=without_gaps(error.sentence),
        permanent=error.permanent,
        stack=without_gaps(error.stack),
        payload=payload,
        state="open",
        created_at=now,
    )
    session.add(failure)
    await session.flush()
    wait = await policy_wait_seconds(session, failure)
    if wait is not None:
        failure.redrive_due_at = now + timedelta(seconds=wait * context.settings.retry_scale)
    told = error.model_dump(include={"code", "sentence", "permanent"})
    await finish_job(session, job, JobState.FAILED, now=now, error=told, data={"failure_id": failure.id})
    FAILURES.labels(job.kind, error.code).inc()
    log.warning("job.failed", job_id=job.id, kind=job.kind, code=error.code, round=job.round)


def is_loss(job: Job, message: Message) -> bool:
    """Say whether a job ends with the dead letter: not with one that was superseded, nor with a mere sign of life."""
    if isinstance(message, Started | Progress | Heartbeat):
        return False
    return (message.attempt, message.dispatch) >= (job.attempt, job.dispatch)


def understand(context: Context, delivery: Delivery) -> tuple[Message, ErrorInfo, dict[str, Any]]:
    """Say what failed, and why.

    Raises:
        UnreadableMessageError: it is no message of ours at all.
    """
    if not delivery.dead_letter:
        failed: Failed = read_failed(delivery.payload)
        return failed, failed.error, failed.payload
    payload = read_object(delivery.payload)
    times = context.settings.max_deliveries
    if "type" in payload:
        sentence = "The result of the work could not be written down: see the log of the feedback role, then redrive."
        error = ErrorInfo(code="result_not_applied", sentence=sentence, permanent=False)
        return read_result(delivery.payload), error, payload
    sentence = f"Every worker that took the photo died while working on it, {times} times: it may be poison."
    return read_process(delivery.payload), ErrorInfo(code="workers_died", sentence=sentence, permanent=False), payload


def read_object(payload: bytes) -> dict[str, Any]:
    """Read JSON that may be none."""
    try:
        value = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


async def redrive_due(context: Context) -> int:
    """Redrive the failures whose policy says that it is time."""
    now = context.clock.now()
    query = (
        select(Failure)
        .where(Failure.redrive_due_at <= now, Failure.state == "open")
        .order_by(Failure.redrive_due_at)
        .limit(REDRIVE_BATCH)
    )
    open_and_due = "SELECT 1 FROM failures WHERE redrive_due_at <= :now AND state = 'open' LIMIT 1"
    if not await context.db.has_row(open_and_due, now=now):
        return 0
    async with context.db.write() as session:
        if not await try_name(session, "redrive-policies"):
            return 0
        due = (await session.scalars(query)).all()
        jobs = await redrive(session, due, now=now)
        for failure in due:
            failure.redrive_due_at = None
    return len(jobs)
