"""Listing and deleting the faces of a collection."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.access.audit import Actor, record
from fotofila.access.audit_gather import look_at
from fotofila.core.capability import Context
from fotofila.core.ids import is_id
from fotofila.faces.collections.change import remove_faces
from fotofila.faces.collections.errors import FaceNotFoundError
from fotofila.faces.collections.index import CHIP
from fotofila.faces.collections.kept.erase import clear_faces
from fotofila.faces.collections.kept.gone import Gone, once_gone
from fotofila.faces.collections.models import CollectionFace, FaceChip
from fotofila.faces.collections.store import faces_by_id, find_collection, records_of
from fotofila.faces.collections.types import Deleted, FaceRecord, NotDone

TOLD = 100
"""Ids of faces that the audit log names where faces were asked for by their ids."""


async def list_faces(
    context: Context,
    owner: str,
    name: str,
    *,
    actor: Actor,
    limit: int,
    after: str | None = None,
    user_id: str | None = None,
    face_ids: Collection[str] | None = None,
) -> tuple[FaceRecord, ...]:
    """Return faces by id, that is, in the order in which they were indexed; `after` is the id of the last one seen.

    Raises:
        CollectionNotFoundError: there is none of this name.
    """
    query = select(CollectionFace).order_by(CollectionFace.id).limit(limit)
    if after is not None:
        query = query.where(CollectionFace.id > after)
    if user_id is not None:
        query = query.where(CollectionFace.user_id == user_id)
    if face_ids is not None:
        query = query.where(CollectionFace.id.in_([face_id for face_id in face_ids if is_id(face_id)]))
    now = context.clock.now()

    async def work(session: AsyncSession) -> tuple[FaceRecord, ...]:
        collection = await find_collection(session, owner, name)
        rows = await session.scalars(query.where(CollectionFace.collection_id == collection.id))
        records = tuple((await records_of(session, rows)).values())
        detail: dict[str, Any] = {"faces": len(records), "after": after, "user_id": user_id}
        if face_ids is not None:
            detail["face_ids"] = [each.face_id for each in records][:TOLD]
        await record(session, owner=owner, actor=actor, action="faces.view", subject=name, detail=detail, now=now)
        return records

    return await context.db.transact(work)


async def get_face(context: Context, owner: str, name: str, face_id: str, *, actor: Actor) -> FaceRecord:
    """Return one face.

    Raises:
        CollectionNotFoundError: there is none of this name.
        FaceNotFoundError: the collection has no such face.
    """
    found = await list_faces(context, owner, name, actor=actor, limit=1, face_ids=[face_id])
    if not found:
        raise FaceNotFoundError(f"The collection {name!r} has no face {face_id!r}: list its faces to see them.")
    return found[0]


async def get_chip(context: Context, owner: str, name: str, face_id: str, *, actor: Actor) -> bytes:
    """Return the aligned chip of a face, (112, 112, 3) RGB.

    Raises:
        CollectionNotFoundError: there is none of this name.
        FaceNotFoundError: the collection has no such face, or keeps no chip of it.
    """
    now = context.clock.now()

    async def work(session: AsyncSession) -> bytes:
        collection = await find_collection(session, owner, name)
        query = select(FaceChip.chip).join(CollectionFace, CollectionFace.id == FaceChip.face_id)
        mine = CollectionFace.collection_id == collection.id, CollectionFace.id == face_id
        raw = await session.scalar(query.where(*mine))
        if raw is None:
            raise FaceNotFoundError(f"The collection {name!r} keeps no picture of a face {face_id!r}.")
        detail = look_at(face_id)
        await record(session, owner=owner, actor=actor, action="faces.view", subject=name, detail=detail, now=now)
        return raw

    return context.secret_keys.unseal(CHIP, await context.db.transact(work), bound_to=face_id)


async def delete_faces(
    context: Context, owner: str, name: str, face_ids: Collection[str], *, actor: Actor, keep_associated: bool = False
) -> Deleted:
    """Delete faces; what is not there is told, and no error.

    Args:
        context: the parts of the process.
        owner: id of the workspace.
        name: of the collection.
        face_ids: of the faces.
        actor: who asks.
        keep_associated: leave faces that belong to a user, and tell so; else they are taken from the user first.

    Raises:
        CollectionNotFoundError: there is none of this name.
        OtherEngineError: the faces are at another engine.
    """
    now = context.clock.now()
    wanted = list(dict.fromkeys(face_ids))

    async def work(session: AsyncSession, there: Gone) -> Deleted:
        collection = await find_collection(session, owner, name, hold=True)
        rows = await faces_by_id(session, collection.id, wanted)
        not_done = [NotDone(face_id=each, reasons=("FACE_NOT_FOUND",)) for each in wanted if each not in rows]
        kept = {
            each: row.user_id
            for each, row in rows.items()
            if keep_associated and row.user_id is not None and not there.has(collection, each)
        }
        not_done += [
            NotDone(face_id=each, reasons=("ASSOCIATED_TO_AN_EXISTING_USER",), user_id=user)
            for each, user in kept.items()
        ]
        gone = [each for each in wanted if each in rows and each not in kept]
        there.demand(collection, gone)
        await remove_faces(session, collection, gone)
        detail = {"faces": gone, "not_done": len(not_done)}
        await record(session, owner=owner, actor=actor, action="faces.delete", subject=name, detail=detail, now=now)
        return Deleted(face_ids=tuple(gone), not_done=tuple(not_done))

    async def clear() -> Gone:
        return await clear_faces(context, owner, name, wanted, keep_associated=keep_associated)

    return await once_gone(context, clear, work)
