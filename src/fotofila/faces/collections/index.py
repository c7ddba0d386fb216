"""Indexing: the faces of an image become faces of a collection."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.access.audit import Actor, record
from fotofila.access.workspaces import get_workspace
from fotofila.core.capability import Context
from fotofila.core.crypto import SecretKeys
from fotofila.core.errors import InvalidInputError
from fotofila.core.ids import new_id
from fotofila.faces.collections.care_consent import Agreement, note_faces
from fotofila.faces.collections.change import next_revision, renew_user
from fotofila.faces.collections.models import CollectionFace, CollectionRow, FaceChip, FaceVector
from fotofila.faces.collections.quality_filter import Chosen, choose
from fotofila.faces.collections.store import (
    expiry,
    find_collection,
    open_collection,
    pack,
    record_of,
    records_of,
    vector_engine,
)
from fotofila.faces.collections.types import FaceRecord, Indexed, QualityFilter
from fotofila.faces.engine.base import FindOptions, FoundFace
from fotofila.faces.face import BoundingBox, Face, face_from_json

MOST_FACES = 100
SAME_PLACE = 0.5
"""Intersection over union from which two boxes of one image are one face."""
CHIP = "face-chip"
"""What chips are sealed for; each is bound to its face's id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """Where faces come from."""

    sha256: str
    external_image_id: str | None
    photo_id: str | None


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
    """Add the faces of an image to a collection.

    The same image with the same external id gives the same faces again: only such of its faces are added as are not
    there yet. Of more than `max_faces` good faces the best and largest are taken.

    Args:
        context: the parts of the process.
        owner: id of the workspace.
        name: of the collection.
        image: a picture of a type that we read.
        actor: who asks.
        external_image_id: what the client calls the image.
        max_faces: 1 to 100.
        quality_filter: which faces are not good enough; see `quality_filter.py`.
        attributes: estimate age and apparent gender, too.
        photo_id: the stored photo that the image is the original of.
        agreement: what its people agreed to; noted for each face in the same transaction.

    Raises:
        CollectionNotFoundError: there is none of this name.
        RecognitionOffError: neither the workspace nor the collection recognises faces.
        FotofilaError: the image cannot be read.
    """
    check_most(max_faces)
    engine = vector_engine(context)
    async with context.db.read() as session:
        collection = await open_collection(session, owner, name)
        detection = (await get_workspace(session, owner)).detection
    wanted = FindOptions(
        detection="fast" if detection == "fast" else "accurate",
        age=attributes,
        gender=attributes,
        embed=True,
        chips=collection.keep_chips and photo_id is None,
        model=collection.model,
    )
    found, digest = await asyncio.gather(
        engine.find_faces(image, options=wanted), asyncio.to_thread(lambda: hashlib.sha256(image).hexdigest())
    )
    chosen = choose(found, quality_filter=quality_filter, max_faces=max_faces)
    source = Image(sha256=digest, external_image_id=external_image_id, photo_id=photo_id)
    now = context.clock.now()
    model = found.model or collection.model

    async def work(session: AsyncSession) -> Indexed:
        held = await find_collection(session, owner, name, hold=True)
        indexed = await keep(session, context.secret_keys, held, source, chosen, model=model, now=now)
        face_ids = [each.face_id for each in indexed.records]
        detail = {
            "faces": face_ids,
            "new": 0 if indexed.duplicates else len(indexed.records),
            "image_sha256": digest,
            "model": model,
        }
        await record(session, owner=owner, actor=actor, action="faces.index", subject=name, detail=detail, now=now)
        if agreement is not None:
            await note_faces(session, held, face_ids, agreement, actor=actor, now=now)
        return indexed

    return await context.db.transact(work)


def check_most(max_faces: int) -> None:
    """Refuse a number of faces that makes no sense.

    Raises:
        InvalidInputError: it is not 1-100.
    """
    if not 1 <= max_faces <= MOST_FACES:
        raise InvalidInputError(f"max_faces is a number from 1 to {MOST_FACES}.")


async def keep(
    session: AsyncSession,
    secret_keys: SecretKeys,
    collection: CollectionRow,
    source: Image,
    chosen: Chosen,
    *,
    model: str,
    now: datetime,
) -> Indexed:
    """Write the faces down that are not there yet."""
    known = await known_faces(session, collection, source)
    told = await records_of(session, known)
    image_id = known[0].image_id if known else new_id()
    records: list[FaceRecord] = []
    fresh: list[tuple[CollectionFace, FoundFace]] = []
    again: list[tuple[CollectionFace, FoundFace]] = []
    for each in chosen.faces:
        same = next((row for row in known if is_same_place(face_from_json(row.face), each.face)), None)
        if same is not None:
            known.remove(same)
            records.append(told[same.id])
            again.append((same, each))
            continue
        row = CollectionFace(
            id=new_id(),
            collection_id=collection.id,
            owner=collection.owner,
            image_id=image_id,
            image_sha256=source.sha256,
            external_image_id=source.external_image_id,
            photo_id=source.photo_id,
            face=without_embedding(each.face),
            model=model,
            indexed_at=now,
            expires_at=expiry(collection, now),
        )
        fresh.append((row, each))
        records.append(record_of(row, has_chip=collection.keep_chips and each.chip is not None))
    if fresh:
        await add_faces(session, secret_keys, collection, fresh)
    await add_vectors(session, collection, again, model=model)
    duplicates = bool(records) and not fresh
    return Indexed(records=tuple(records), left_out=chosen.left_out, duplicates=duplicates, model=model)


async def known_faces(session: AsyncSession, collection: CollectionRow, source: Image) -> list[CollectionFace]:
    """Return what is there of an image by the name that the client gives it."""
    query = select(CollectionFace).where(
        CollectionFace.collection_id == collection.id,
        CollectionFace.image_sha256 == source.sha256,
        CollectionFace.external_image_id.is_not_distinct_from(source.external_image_id),
    )
    return list(await session.scalars(query.order_by(CollectionFace.id)))


async def add_faces(
    session: AsyncSession,
    secret_keys: SecretKeys,
    collection: CollectionRow,
    faces: Sequence[tuple[CollectionFace, FoundFace]],
) -> None:
    """Add rows with their vectors and chips."""
    revision = next_revision(collection)
    collection.face_count += len(faces)
    session.add_all(row for row, _ in faces)
    await session.flush()
    vectors = [vector_row(row, each.face, revision) for row, each in faces if each.face.embedding is not None]
    chips = [
        {"face_id": row.id, "chip": secret_keys.seal(CHIP, each.chip, bound_to=row.id)}
        for row, each in faces
        if each.chip is not None and collection.keep_chips
    ]
    for table, rows in ((FaceVector, vectors), (FaceChip, chips)):
        if rows:
            await session.execute(insert(table), rows)


async def add_vectors(
    session: AsyncSession, collection: CollectionRow, faces: Sequence[tuple[CollectionFace, FoundFace]], *, model: str
) -> None:
    """Give faces that are there a vector of this model where a change of model left them without."""
    ids = [row.id for row, _ in faces]
    query = select(FaceVector.face_id).where(FaceVector.face_id.in_(ids), FaceVector.model == model)
    have = set(await session.scalars(query)) if ids else set()
    missing = [(row, each.face) for row, each in faces if row.id not in have and each.face.embedding is not None]
    if not missing:
        return
    revision = next_revision(collection)
    for row, _ in missing:
        row.model = model
    await session.execute(insert(FaceVector), [vector_row(row, face, revision) for row, face in missing])
    for user_id in sorted({row.user_id for row, _ in missing if row.user_id is not None}):
        await renew_user(session, collection, user_id, revision)


def vector_row(row: CollectionFace, face: Face, revision: int) -> Mapping[str, Any]:
    """Shape the vector of a face."""
    assert face.embedding is not None  # noqa: S101 - the caller has looked
    return {
        "face_id": row.id,
        "model": row.model,
        "collection_id": row.collection_id,
        "revision": revision,
        "vector": pack(face.embedding),
    }


def without_embedding(face: Face) -> dict[str, Any]:
    """Shape what is told of a face; the vector has a table of its own."""
    made = face.to_json()
    made.pop("embedding", None)
    return made


def is_same_place(one: Face, other: Face) -> bool:
    """Say whether two faces of one image are one."""
    return overlap(one.bounding_box, other.bounding_box) >= SAME_PLACE


def overlap(one: BoundingBox, other: BoundingBox) -> float:
    """Return the intersection over the union of two boxes."""
    across = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    down = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    shared = max(across, 0.0) * max(down, 0.0)
    whole = one.width * one.height + other.width * other.height - shared
    return shared / whole if whole > 0 else 0.0
