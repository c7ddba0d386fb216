"""Faces whose time is over are erased, a minute later at most; each batch is told in the audit log."""

from __future__ import annotations

import asyncio
from collections import defaultdict

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.access.audit import SYSTEM, record
from fotofila.core.capability import Context
from fotofila.core.db.alone import alone
from fotofila.core.errors import FotofilaError
from fotofila.core.observability.logs import get_logger
from fotofila.core.observability.metrics import FACES_ERASED
from fotofila.faces.collections.care_consent import forget_consents
from fotofila.faces.collections.care_remove import hold, overwrite
from fotofila.faces.collections.change import remove_faces
from fotofila.faces.collections.models import CollectionFace

log = get_logger(__name__)

LOOK_SECONDS = 60.0
BATCH = 500
DUE = "SELECT 1 FROM collection_faces WHERE expires_at <= :now LIMIT 1"


async def run(context: Context, stop: asyncio.Event) -> None:
    """Erase what is due, once a minute, until told to stop."""
    while not stop.is_set():
        try:
            await expire_due(context)
        except FotofilaError as error:
            log.warning("expiry.unavailable", sentence=error.message)
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await stop.wait()
        except TimeoutError:
            pass


async def expire_due(context: Context) -> int:
    """Erase every face whose time is over; return how many, or 0 where another process does so."""
    if not await context.db.has_row(DUE, now=context.clock.now()):
        return 0
    erased = 0
    async with alone(context.db, "faces.expiry") as mine:
        while mine and (count := await expire_batch(context)):
            erased += count
    log.info("expiry.erased", faces=erased)
    return erased


async def expire_batch(context: Context) -> int:
    """Erase some faces whose time is over; return how many."""
    now = context.clock.now()
    query = (
        select(CollectionFace.collection_id, CollectionFace.id)
        .where(CollectionFace.expires_at <= now)
        .order_by(CollectionFace.expires_at)
        .limit(BATCH)
    )
    due: dict[str, list[str]] = defaultdict(list)
    async with context.db.read() as session:
        for collection_id, face_id in await session.execute(query):
            due[collection_id].append(face_id)

    async def work(session: AsyncSession) -> int:
        await overwrite(session, on=True)
        erased = 0
        for collection_id in sorted(due):
            collection = await hold(session, collection_id)
            if collection is None:
                continue
            still = select(CollectionFace.id).where(
                CollectionFace.id.in_(due[collection_id]), CollectionFace.expires_at <= now
            )
            ids = sorted((await session.scalars(still)).all())
            await remove_faces(session, collection, ids)
            await forget_consents(session, collection_id, ids)
            await record(
                session,
                owner=collection.owner,
                actor=SYSTEM,
                action="faces.expire",
                subject=collection.name,
                detail={"faces": ids, "ttl_days": collection.ttl_days},
                now=now,
            )
            erased += len(ids)
        await overwrite(session, on=False)
        return erased

    erased = await context.db.transact(work) if due else 0
    FACES_ERASED.labels("expired").inc(erased)
    return erased
