"""The sweeper removes objects that nobody can reach any more.

These are buried prefixes, used claim checks and cancel markers, and what each capability says of its own objects.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from sqlalchemy import delete, select

from fotofila.core.capability import Context, load
from fotofila.core.db.alone import alone
from fotofila.core.errors import FotofilaError
from fotofila.core.events.models import Event
from fotofila.core.jobs.models import Job, Tombstone
from fotofila.core.jobs.states import OPEN
from fotofila.core.observability.logs import get_logger
from fotofila.core.observability.metrics import SWEPT
from fotofila.feedback.pace import sleep

log = get_logger(__name__)

PAGE = 500
EVENTS_KEPT = timedelta(days=30)


async def run(context: Context, stop: asyncio.Event) -> None:
    """Sweep now and then until told to stop."""
    while not stop.is_set():
        await sleep(stop, context.settings.sweep_interval_seconds)
        if stop.is_set():
            return
        try:
            async with alone(context.db, "sweeper") as mine:
                if mine:
                    await sweep_once(context)
        except FotofilaError as error:
            log.warning("sweeper.unavailable", sentence=error.message)


async def sweep_once(context: Context) -> int:
    """Sweep everything once; returns how many objects were removed."""
    swept = await sweep_tombstones(context) + await sweep_job_objects(context)
    await forget_events(context)
    for capability in context.capabilities:
        for reference in capability.sweeps:
            swept += await load(reference)(context)
    log.info("sweeper.swept", objects=swept)
    return swept


async def sweep_tombstones(context: Context) -> int:
    """Remove everything under buried prefixes; a tombstone stays for a day, for what late workers write."""
    before = context.clock.now() - timedelta(seconds=context.settings.orphan_age_seconds)
    async with context.db.read() as session:
        tombstones = (await session.scalars(select(Tombstone).order_by(Tombstone.created_at))).all()
    swept = 0
    for tombstone in tombstones:
        keys = [info.key async for info in context.storage.list(tombstone.prefix)]
        await context.storage.delete(keys)
        swept += len(keys)
        SWEPT.labels(tombstone.reason).inc(len(keys))
    old = [tombstone.prefix for tombstone in tombstones if tombstone.created_at <= before]
    if old:
        async with context.db.write() as session:
            await session.execute(delete(Tombstone).where(Tombstone.prefix.in_(old)))
    return swept


async def sweep_job_objects(context: Context) -> int:
    """Remove claim checks and cancel markers of jobs that are over, once they are old enough."""
    before = context.clock.now() - timedelta(seconds=context.settings.orphan_age_seconds)
    swept = 0
    for prefix in ("claims/", "control/"):
        old = [info.key async for info in context.storage.list(prefix) if info.modified_at <= before]
        for start in range(0, len(old), PAGE):
            keys = {key: key.split("/")[1] for key in old[start : start + PAGE]}
            async with context.db.read() as session:
                query = select(Job.id).where(Job.id.in_(set(keys.values())), Job.state.in_(OPEN))
                alive = set(await session.scalars(query))
            dead = [key for key, job_id in keys.items() if job_id not in alive]
            await context.storage.delete(dead)
            swept += len(dead)
            SWEPT.labels(prefix.rstrip("/")).inc(len(dead))
    return swept


async def forget_events(context: Context) -> None:
    """Forget events that no stream can want to resume from any more."""
    before = context.clock.now() - EVENTS_KEPT
    async with context.db.write() as session:
        await session.execute(delete(Event).where(Event.at < before))
