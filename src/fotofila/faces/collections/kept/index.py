"""Indexing where faces are kept: at the engine first, which says what it found, then a row for each face.

A program that dies in between leaves faces there without rows of ours. They are never told as found, and the same image
with the same external id gives them again, which then are written down.
"""

from __future__ import annotations

import asyncio
import hashlib
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.access.audit import Actor, record
from fotofila.core.capability import Context
from fotofila.faces.collections.care_consent import Agreement, note_faces
from fotofila.faces.collections.change import next_revision
from fotofila.faces.collections.index import MOST_FACES, Image, check_most, without_embedding
from fotofila.faces.collections.kept.keeper import demand_same, open_kept, saying_what_is_lost
from fotofila.faces.collections.models import CollectionFace, CollectionRow
from fotofila.faces.collections.store import expiry, faces_by_id, find_collection, record_of
from fotofila.faces.collections.types import FaceRecord, Indexed, QualityFilter
from fotofila.faces.engine.base import AddedFaces


async def index_faces(
    context: Context,
    owner: str,
    name: str,
    image: bytes,
    *,
    actor: Actor,
    external_image_id: str | None = None,
    max_faces: int = MOST_FACES,
    quality_filter: QualityFilter = "AUTO",
    attributes: bool = True,
    photo_id: str | None = None,
    agreement: Agreement | None = None,
) -> Indexed:
    """Add the faces of an image to a collection that the engine keeps; see `index.index_faces`.

    Which faces are good enough, and which are known, is for the engine to say.
    """
    check_most(max_faces)
    row, keeper = await open_kept(context, owner, name)
    with saying_what_is_lost(keeper):
        told, digest = await asyncio.gather(
            keeper.engine.index_faces(
                keeper.full,
                image,
                external_image_id=external_image_id,
                max_faces=max_faces,
                quality_filter=quality_filter,
                attributes=attributes,
            ),
            asyncio.to_thread(lambda: hashlib.sha256(image).hexdigest()),
        )
    source = Image(sha256=digest, external_image_id=external_image_id, photo_id=photo_id)
    now = context.clock.now()

    async def work(session: AsyncSession) -> Indexed:
        held = await find_collection(session, owner, name, hold=True)
        demand_same(held, row)
        indexed = await write_down(session, held, source, told, now=now)
        face_ids = [each.face_id for each in indexed.records]
        detail = {
            "faces": face_ids,
            "new": 0 if indexed.duplicates else len(indexed.records),
            "image_sha256": digest,
            "model": indexed.model,
        }
        await record(session, owner=owner, actor=actor, action="faces.index", subject=name, detail=detail, now=now)
        if agreement is not None:
            await note_faces(session, held, face_ids, agreement, actor=actor, now=now)
        return indexed

    return await context.db.transact(work)


async def write_down(
    session: AsyncSession, collection: CollectionRow, source: Image, told: AddedFaces, *, now: datetime
) -> Indexed:
    """Write the faces down that are not there yet, by the ids that the engine gave them."""
    known = await faces_by_id(session, collection.id, [each.known.face_id for each in told.added])
    fresh: list[CollectionFace] = []
    records: list[FaceRecord] = []
    for each in told.added:
        row = known.get(each.known.face_id)
        if row is None:
            row = CollectionFace(
                id=each.known.face_id,
                collection_id=collection.id,
                owner=collection.owner,
                image_id=each.known.image_id,
                image_sha256=source.sha256,
                external_image_id=source.external_image_id,
                photo_id=source.photo_id,
                face=without_embedding(each.face),
                model=each.known.model,
                indexed_at=now,
                expires_at=expiry(collection, now),
            )
            fresh.append(row)
        records.append(record_of(row))
    if fresh:
        next_revision(collection)
        collection.face_count += len(fresh)
        session.add_all(fresh)
        await session.flush()
    return Indexed(
        records=tuple(records),
        left_out=told.left_out,
        duplicates=bool(records) and not fresh,
        model=told.model,
    )
