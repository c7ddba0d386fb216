"""The results consumer: reads what workers report and makes every write that follows, in batches."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.core.capability import Context
from fotofila.core.db.later import write_rows_bare, writes_for
from fotofila.core.db.locks import lock_rows
from fotofila.core.db.plain import Plain
from fotofila.core.errors import FotofilaError, StorageFullError, UnavailableError
from fotofila.core.events.service import add_events
from fotofila.core.jobs.keys import claim_key
from fotofila.core.jobs.many import hold_jobs
from fotofila.core.jobs.messages import Finished, Result, UnreadableMessageError, read_newer, read_result
from fotofila.core.jobs.models import Batch, Job
from fotofila.core.observability.logs import get_logger
from fotofila.core.observability.metrics import RESULTS
from fotofila.core.queue import Delivery, Outgoing
from fotofila.core.storage import ObjectNotFoundError
from fotofila.feedback.pace import Gathering, sleep, spare_for
from fotofila.feedback.transitions import apply_result

log = get_logger(__name__)

LANE = "results"
BATCH = 64
WAIT_SECONDS = 2.0
TROUBLE_SECONDS = 1.0
PATIENCE = 0.2
"""Of the time that a job took from the queue to its end, so much is no matter."""


class NewerResultsError(UnavailableError):
    """There is nothing to do but wait for the process that can read them."""

    code = "newer_results"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """A result message with the delivery that it came by and, for a claim check, the result it stands for."""

    delivery: Delivery
    message: Result
    result: Mapping[str, Any]


async def run(context: Context, stop: asyncio.Event) -> None:
    """Consume results until told to stop."""
    gathering = Gathering()
    while not stop.is_set():
        await gathering.wait(stop)
        try:
            await consume_once(context, wait_seconds=WAIT_SECONDS, gathering=gathering)
        except FotofilaError as error:
            log.warning("feedback.unavailable", sentence=error.message)
            await sleep(stop, TROUBLE_SECONDS)


async def consume_once(context: Context, *, wait_seconds: float, gathering: Gathering | None = None) -> int:
    """Apply one batch of results in one transaction; returns how many."""
    gathering = gathering or Gathering()
    deliveries = await context.queue.receive(
        [LANE], max_messages=BATCH, wait_seconds=wait_seconds, lease_seconds=context.settings.lease_seconds
    )
    try:
        entries = [await read(context, delivery) for delivery in deliveries]
    except UnavailableError:  # storage, which holds the large ones
        await put_back(context, deliveries)
        raise
    refused = [delivery for delivery, entry in zip(deliveries, entries, strict=True) if entry is None]
    newer = [delivery for delivery in refused if read_newer(delivery.payload) is not None]
    for delivery in refused:
        if delivery not in newer:
            await context.queue.nack(delivery)
    if newer:
        await put_back(context, newer)
    if deliveries:
        gathering.turned()
    if reported := [entry for entry in entries if entry is not None]:
        await apply_batch(context, reported, gathering)
    elif newer:
        raise NewerResultsError("Workers of a newer version report what this one cannot read: upgrade it too.")
    return len(deliveries)


async def read(context: Context, delivery: Delivery) -> Reported | None:
    """Read a message and the result it claims; None for what cannot be read and goes the way of the dead letters."""
    try:
        message = read_result(delivery.payload)
        return Reported(delivery=delivery, message=message, result=await claimed(context, message))
    except (UnreadableMessageError, ObjectNotFoundError) as error:
        log.warning("result.refused", code=error.code, sentence=error.message)
        return None


async def claimed(context: Context, message: Result) -> Mapping[str, Any]:
    """Return the result itself, from the message or from storage."""
    if not isinstance(message, Finished):
        return {}
    if message.claim_key is None:
        return message.result or {}
    if message.claim_key != claim_key(message.job_id, message.execution_id):
        raise UnreadableMessageError("A result claims an object outside its own execution.")
    body = await context.storage.get(message.claim_key)
    try:
        result: dict[str, Any] = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise UnreadableMessageError("A result claims an object that is no result.") from error
    return result


async def apply_batch(context: Context, reported: Sequence[Reported], gathering: Gathering | None = None) -> None:
    """Apply all in one transaction; when that fails, one by one, so that a poisoned result stops nobody else."""
    try:
        spare = await apply_together(context, reported)
    except (UnavailableError, StorageFullError):
        await put_back(context, [entry.delivery for entry in reported])
        raise
    except (OperationalError, InterfaceError) as error:
        await put_back(context, [entry.delivery for entry in reported])
        raise UnavailableError("The database does not answer: look at FOTOFILA_DATABASE_URL and its disk.") from error
    except Exception as error:
        if len(reported) == 1:
            log.exception("result.not_applied", job_id=reported[0].message.job_id, error=repr(error))
            await context.queue.nack(reported[0].delivery, delay_seconds=TROUBLE_SECONDS)
            return
        for entry in reported:
            await apply_batch(context, [entry])
    else:
        if gathering is not None:
            gathering.turned(spare)


async def put_back(context: Context, deliveries: Sequence[Delivery]) -> None:
    """Send results anew, as if never delivered: that a part of ours is away must not use their deliveries up."""
    await context.queue.enqueue(LANE, [Outgoing(payload=delivery.payload) for delivery in deliveries])
    await context.queue.ack(deliveries)


async def apply_together(context: Context, reported: Sequence[Reported]) -> float:
    """Apply a batch, commit, then ack; returns for how many seconds nobody would miss the next batch."""
    spare = await context.db.transact_plainly(lambda plain, session: write(context, plain, session, reported))
    await context.queue.ack([entry.delivery for entry in reported])
    for entry in reported:
        RESULTS.labels(entry.message.type).inc()
    finished = [entry.message for entry in reported if isinstance(entry.message, Finished)]
    if claims := [message.claim_key for message in finished if message.claim_key is not None]:
        await context.storage.delete(claims)
    return spare


async def write(context: Context, plain: Plain, session: AsyncSession, reported: Sequence[Reported]) -> float:
    """Make every write that follows from a batch; on PostgreSQL nearly all in one statement.

    What a kind asks its session for, or adds to it, goes through SQLAlchemy, in the same transaction.
    """
    jobs = await hold_jobs(plain, {entry.message.job_id for entry in reported})
    await lock_rows(session, Batch, {job.batch_id for job in jobs.by_id.values() if job.batch_id is not None})
    await apply_all(context, session, jobs.by_id, reported)
    together = writes_for(plain)
    jobs.add_changes(together)
    await write_rows_bare(plain, session, together)
    add_events(session, together)
    await together.run(plain)
    return spare_seconds(jobs.by_id.values())


def spare_seconds(jobs: Collection[Job]) -> float:
    """Return how long the results of others may wait: on the average they take a tenth longer for it."""
    took = [(job.finished_at - job.queued_at).total_seconds() for job in jobs if job.finished_at and job.queued_at]
    return spare_for((job.lane for job in jobs), PATIENCE * min(took, default=0.0))


async def apply_all(
    context: Context, session: AsyncSession, jobs: Mapping[str, Job], reported: Sequence[Reported]
) -> None:
    """Apply reports in the order in which they came."""
    with session.no_autoflush:  # one flush writes the rows of the whole batch, table by table
        for entry in reported:
            await apply_result(context, session, jobs.get(entry.message.job_id), entry.message, entry.result)
