"""Faces whose time is over are erased, a minute later at most; each batch is told in the audit log.

The same loop deletes what is left of collections whose erasing was broken off, or was too much for one request.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.access.audit import SYSTEM, record
from fotofila.core.capability import Context
from fotofila.core.db.alone import alone
from fotofila.core.errors import FotofilaError
from fotofila.core.observability.logs import get_logger
from fotofila.core.observability.metrics import FACES_ERASED
from fotofila.faces.collections.care_consent import forget_consents
from fotofila.faces.collections.care_models import TOMB
from fotofila.faces.collections.care_remove import hold, overwrite
from fotofila.faces.collections.care_tomb import clear_all
from fotofila.faces.collections.change import remove_faces
from fotofila.faces.collections.kept.erase import clear_ids
from fotofila.faces.collections.models import CollectionFace, CollectionRow
from fotofila.faces.collections.types import is_kept_by_engine

log = get_logger(__name__)

LOOK_SECONDS = 60.0
BATCH = 500
DUE = "SELECT 1 FROM collection_faces WHERE expires_at <= :now LIMIT 1"


async def run(context: Context, stop: asyncio.Event) -> None:
    """Erase what is due, once a minute, until told to stop."""
    while not stop.is_set():
        try:
            await clear_all(context)
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
    away: set[str] = set()
    async with alone(context.db, "faces.expiry") as mine:
        while mine and (due := await read_due(context, away)):
            erased += await expire_batch(context, await cleared(context, due, away))
    log.info("expiry.erased", faces=erased)
    return erased


async def read_due(context: Context, without: AbstractSet[str]) -> dict[str, list[str]]:
    """Return some faces whose time is over by their collections, which are none of `without`."""
    buried = select(CollectionRow.id).where(CollectionRow.owner == TOMB)
    query = (
        select(CollectionFace.collection_id, CollectionFace.id)
        .where(CollectionFace.expires_at <= context.clock.now(), CollectionFace.collection_id.not_in(without))
        .where(CollectionFace.collection_id.not_in(buried))
        .order_by(CollectionFace.expires_at)
        .limit(BATCH)
    )
    due: dict[str, list[str]] = defaultdict(list)
    async with context.db.read() as session:
        for collection_id, face_id in await session.execute(query):
            due[collection_id].append(face_id)
    return due


async def cleared(context: Context, due: Mapping[str, list[str]], away: set[str]) -> dict[str, list[str]]:
    """Delete faces where an engine keeps them, and return all that may be erased here.

    Where the engine does not delete them now, nothing is erased: the collection is one of those that are `away`, and
    comes to its turn at the next look.
    """
    ready: dict[str, list[str]] = {}
    for collection_id, face_ids in due.items():
        async with context.db.read() as session:
            row = await session.get(CollectionRow, collection_id)
        try:
            if row is not None and is_kept_by_engine(row.model):
                await clear_ids(context, row, face_ids)
        except FotofilaError as error:
            log.warning("expiry.engine_refuses", collection_id=collection_id, faces=len(face_ids), code=error.code)
            away.add(collection_id)
        else:
            ready[collection_id] = face_ids
    return ready


async def expire_batch(context: Context, due: Mapping[str, list[str]]) -> int:
    """Erase faces whose time is over, which no engine keeps any more; return how many."""
    now = context.clock.now()

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
