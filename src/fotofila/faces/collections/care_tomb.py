"""Erasing whole collections, however large: at once out of everybody's sight, then row by row.

`bury` gives a collection an owner that no workspace has, in the transaction that says that it is to be erased: from its
commit on nobody finds it, and its name is free. What it has is then deleted in batches, by whoever buried it or, where
that one died or had enough, by the loop of `care_expire.py`. Any number may be at it; each batch holds the collection.

Of an erasure the stock is taken between the two: nothing changes in a buried collection, and nothing is deleted before
it is known what there is. Its receipt is made by the batch that deletes the last row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.access.audit import Actor, record
from fotofila.access.audit_chain import moment
from fotofila.core.capability import Context
from fotofila.core.db.alone import alone
from fotofila.core.observability.logs import get_logger
from fotofila.core.observability.metrics import FACES_ERASED
from fotofila.faces.collections.care_models import TOMB, ConsentRow, ErasureRow
from fotofila.faces.collections.care_remove import LISTED, Erased, number, overwrite, sums_of
from fotofila.faces.collections.change import next_revision
from fotofila.faces.collections.models import CollectionFace, CollectionRow, CollectionUser, FaceChip, FaceVector
from fotofila.faces.collections.remodel_models import Remodel

log = get_logger(__name__)

BATCH = 2000
"""Rows: with their vectors and chips some tenths of a second."""
AT_ONCE = 50
"""Batches by whoever asks; of more the loop deletes what is left, within a minute or so."""
PAGE = 10_000
BURIED = f"SELECT 1 FROM collections WHERE owner = '{TOMB}' LIMIT 1"  # noqa: S608 - a constant


async def bury(session: AsyncSession, collection: CollectionRow, *, erasure: str = "") -> None:
    """Take a collection, which the caller holds, out of sight; it is deleted for an erasure, or for none."""
    collection.owner, collection.name = TOMB, f"{erasure}.{collection.id}"
    next_revision(collection)
    await session.execute(delete(Remodel).where(Remodel.collection_id == collection.id))
    await session.flush()


async def bury_for(session: AsyncSession, collection: CollectionRow, erased: Erased) -> None:
    """Take a collection out of sight for an erasure, and note what is known of it before the stock is taken.

    Raises:
        StillThereError: the engine that keeps it may have it.
    """
    erased.gone.demand_whole(collection)
    expected = {"faces": collection.face_count, "users": collection.user_count}
    told = {"collection": collection.name, "collection_id": collection.id, **erased.gone.told(collection)}
    detail = {"erasure": erased.id, "id": collection.id, **expected}
    await record(
        session,
        owner=collection.owner,
        actor=erased.actor,
        action="collection.erase",
        subject=collection.name,
        detail=detail,
        now=erased.at,
    )
    await bury(session, collection, erasure=erased.id)
    erased.collections.append({**told, "whole": True, "expected": expected})


async def clear(context: Context, collection_ids: Iterable[str], *, to_the_end: bool = False) -> bool:
    """Delete what is buried, `AT_ONCE` batches of it or to the end; say whether all is gone."""
    batches = AT_ONCE
    for collection_id in collection_ids:
        stock: Mapping[str, Any] | None = None
        state = "more"
        while state != "gone":
            if not (batches or to_the_end):
                return False
            batches = max(0, batches - 1)

            async def work(
                session: AsyncSession, of: str = collection_id, stock: Mapping[str, Any] | None = stock
            ) -> str:
                return await clear_some(context, session, of, stock)

            state = await context.db.transact(work)
            stock = await take_stock(context, collection_id) if state == "unknown" else None
    return True


async def clear_some(
    context: Context, session: AsyncSession, collection_id: str, stock: Mapping[str, Any] | None
) -> str:
    """Delete a batch: returns `more`, `gone`, or `unknown` where the stock has to be taken first."""
    query = select(CollectionRow).where(CollectionRow.id == collection_id, CollectionRow.owner == TOMB)
    tomb = await session.scalar(query.with_for_update().execution_options(populate_existing=True))
    if tomb is None:
        return "gone"
    erasure = await erasure_of(session, tomb)
    if erasure is not None and not has_stock(erasure, collection_id):
        if stock is None:
            return "unknown"
        note_stock(erasure, collection_id, stock)
    await overwrite(session, on=True)
    for table in (CollectionFace, CollectionUser, ConsentRow):
        ids = (await session.scalars(select(table.id).where(table.collection_id == tomb.id).limit(BATCH))).all()
        if ids:
            await session.execute(delete(table).where(table.id.in_(ids)))
            await overwrite(session, on=False)
            return "more"
    await session.delete(tomb)
    await overwrite(session, on=False)
    if erasure is not None:
        await end(context, session, erasure)
    return "gone"


async def erasure_of(session: AsyncSession, tomb: CollectionRow) -> ErasureRow | None:
    """Return the erasure that a buried collection belongs to; held, since several of its collections write to it."""
    erasure_id = tomb.name.partition(".")[0]
    if not erasure_id:
        return None
    query = select(ErasureRow).where(ErasureRow.id == erasure_id).with_for_update()
    return await session.scalar(query.execution_options(populate_existing=True))


def has_stock(erasure: ErasureRow, collection_id: str) -> bool:
    """Say whether it is written down what a collection had."""
    return any(each["collection_id"] == collection_id and "counts" in each for each in erasure.body["erased"])


def note_stock(erasure: ErasureRow, collection_id: str, stock: Mapping[str, Any]) -> None:
    """Write down what a collection had."""
    erased = [{**each, **stock} if each["collection_id"] == collection_id else each for each in erasure.body["erased"]]
    for each in erased:
        if "counts" in each:
            each.pop("expected", None)
    erasure.body = {**erasure.body, "erased": erased}


async def take_stock(context: Context, collection_id: str) -> dict[str, Any]:
    """Count what a buried collection has; ids are read by pages, without a transaction."""
    listed: list[str] = []
    digest, faces, after = hashlib.sha256(), 0, ""
    mine = CollectionFace.collection_id == collection_id
    while True:
        query = select(CollectionFace.id).where(mine, CollectionFace.id > after).order_by(CollectionFace.id)
        async with context.db.read() as session:
            page = (await session.scalars(query.limit(PAGE))).all()
        if page:
            digest.update(("\n" if faces else "").encode() + "\n".join(page).encode())
            listed += page[: LISTED - len(listed)]
            faces, after = faces + len(page), page[-1]
        if len(page) < PAGE:
            break
    users = CollectionUser.collection_id == collection_id
    chips = select(func.count()).select_from(FaceChip).join(CollectionFace, CollectionFace.id == FaceChip.face_id)
    async with context.db.read() as session:
        names = select(CollectionUser.user_id).where(users).order_by(CollectionUser.user_id)
        counts = {
            "faces": faces,
            "vectors": await number(session, FaceVector, FaceVector.collection_id == collection_id),
            "chips": await session.scalar(chips.where(mine)) or 0,
            "consents": await number(session, ConsentRow, ConsentRow.collection_id == collection_id),
            "users": await number(session, CollectionUser, users),
        }
        user_ids = [*await session.scalars(names.limit(LISTED))]
    return {"counts": counts, "user_ids": user_ids, "face_ids": listed, "face_ids_sha256": digest.hexdigest()}


async def end(context: Context, session: AsyncSession, erasure: ErasureRow) -> None:
    """Write the audit entry of an erasure once its last collection is gone; its receipt can be signed then."""
    others = CollectionRow.owner == TOMB, CollectionRow.name.startswith(f"{erasure.id}.", autoescape=True)
    await session.flush()
    if await session.scalar(select(CollectionRow.id).where(*others).limit(1)) is not None:
        return
    now, body = context.clock.now(), erasure.body
    counts = {**body["counts"], **sums_of(each["counts"] for each in body["erased"])}
    actor = Actor(kind=body["actor"]["kind"], id=body["actor"]["id"])
    detail = {"erasure": erasure.id, "what": body["what"], "asked": body["asked"], "counts": counts}
    subject = body["asked"].get("collection")
    erasure.audit_id = await record(
        session, owner=erasure.owner, actor=actor, action="faces.erase", subject=subject, detail=detail, now=now
    )
    erasure.body = {**body, "counts": counts, "finished_at": moment(now)}
    FACES_ERASED.labels("asked").inc(counts["faces"])


async def clear_all(context: Context) -> int:
    """Delete everything that is buried; return how many collections, or 0 where another process is at it."""
    if not await context.db.has_row(BURIED):
        return 0
    async with alone(context.db, "faces.buried") as mine:
        async with context.db.read() as session:
            query = select(CollectionRow.id).where(CollectionRow.owner == TOMB).order_by(CollectionRow.id)
            buried = (await session.scalars(query)).all() if mine else []
        await clear(context, buried, to_the_end=True)
    log.info("collections.cleared", collections=len(buried))
    return len(buried)
