"""What all operations share: finding a collection, holding it, and giving what it has in the words of `types.py`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.access.workspaces import get_workspace
from fotofila.core.capability import Context
from fotofila.core.errors import ConflictError
from fotofila.core.ids import is_id
from fotofila.faces.collections.errors import CollectionNotFoundError, OtherEngineError, RecognitionOffError
from fotofila.faces.collections.models import CollectionFace, CollectionRow, FaceChip, FaceVector
from fotofila.faces.collections.types import CollectionInfo, FaceRecord, is_kept_by_engine
from fotofila.faces.engine.base import MakesVectors, engine_of, makes_vectors
from fotofila.faces.face import face_from_json

IDS_AT_ONCE = 10_000
"""Values in one `IN`: both databases take more than 32,000."""


class NoVectorsError(ConflictError):
    """The engine of this process keeps collections itself and makes no vectors."""

    code = "engine_without_vectors"
    title = "This engine makes no vectors"


async def find_collection(session: AsyncSession, owner: str, name: str, *, hold: bool = False) -> CollectionRow:
    """Return a collection; held to the end of the transaction by whoever changes what is in it.

    Raises:
        CollectionNotFoundError: there is none of this name.
    """
    query = select(CollectionRow).where(CollectionRow.owner == owner, CollectionRow.name == name)
    if hold:
        query = query.with_for_update().execution_options(populate_existing=True)
    row = await session.scalar(query)
    if row is None:
        raise CollectionNotFoundError(f"There is no collection {name!r}: make it with POST /api/collections.")
    return row


async def open_collection(session: AsyncSession, owner: str, name: str) -> CollectionRow:
    """Return a collection of ours in which faces may be recognised.

    Raises:
        CollectionNotFoundError: there is none of this name.
        OtherEngineError: its vectors lie at another engine.
        RecognitionOffError: neither the workspace nor the collection recognises faces.
    """
    row = await find_switched_on(session, owner, name)
    demand_vectors(row)
    return row


def demand_vectors(row: CollectionRow) -> None:
    """Refuse a collection whose vectors are not in our tables.

    Raises:
        OtherEngineError: they lie at another engine.
    """
    if is_kept_by_engine(row.model):
        raise OtherEngineError(
            f"The vectors of the collection {row.name!r} are at AWS ({row.model}), and AWS gives none away: set "
            "FOTOFILA_FACES_ENGINE=rekognition to use it, or make another collection and index the photos again."
        )


async def find_switched_on(session: AsyncSession, owner: str, name: str) -> CollectionRow:
    """Return a collection in which faces may be recognised, wherever its vectors are.

    Raises:
        CollectionNotFoundError: there is none of this name.
        RecognitionOffError: neither the workspace nor the collection recognises faces.
    """
    row = await find_collection(session, owner, name)
    if not row.switched_on and not (await get_workspace(session, owner)).face_recognition:
        raise RecognitionOffError(
            f"Face recognition is off in this workspace and in the collection {name!r}: switch it on with PATCH "
            '/api/workspace {"face_recognition": true} or for the collection alone with {"switched_on": true}.'
        )
    return row


def vector_engine(context: Context) -> MakesVectors:
    """Return the engine of this process, which makes vectors.

    Raises:
        NoVectorsError: it does not.
    """
    engine = engine_of(context)
    if not makes_vectors(engine):
        raise NoVectorsError(
            f"The engine {engine.name!r} keeps the vectors of collections itself and gives none away, so there is "
            "nothing here to embed, compare or import: set FOTOFILA_FACES_ENGINE=local to work with vectors of ours."
        )
    return engine


def info_of(row: CollectionRow) -> CollectionInfo:
    """Shape a collection."""
    return CollectionInfo(
        id=row.id,
        owner=row.owner,
        name=row.name,
        created_at=row.created_at,
        face_count=row.face_count,
        user_count=row.user_count,
        model=row.model,
        tags=dict(row.tags),
        keep_chips=row.keep_chips,
        ttl_days=row.ttl_days,
        consent_note=row.consent_note,
        switched_on=row.switched_on,
        revision=row.revision,
    )


async def records_of(session: AsyncSession, rows: Iterable[CollectionFace]) -> dict[str, FaceRecord]:
    """Shape faces, by their ids, in their order."""
    given = list(rows)
    chips: set[str] = set()
    for at in range(0, len(given), IDS_AT_ONCE):
        ids = [row.id for row in given[at : at + IDS_AT_ONCE]]
        chips |= set(await session.scalars(select(FaceChip.face_id).where(FaceChip.face_id.in_(ids))))
    return {row.id: record_of(row, has_chip=row.id in chips) for row in given}


def record_of(row: CollectionFace, *, has_chip: bool = False) -> FaceRecord:
    """Shape a face."""
    return FaceRecord(
        face_id=row.id,
        image_id=row.image_id,
        external_image_id=row.external_image_id,
        user_id=row.user_id,
        face=face_from_json(row.face),
        model=row.model,
        indexed_at=row.indexed_at,
        photo_id=row.photo_id,
        expires_at=row.expires_at,
        has_chip=has_chip,
    )


def expiry(row: CollectionRow, indexed_at: datetime) -> datetime | None:
    """Return when a face that was indexed at a time is to be erased."""
    return None if row.ttl_days is None else indexed_at + timedelta(days=row.ttl_days)


async def faces_by_id(session: AsyncSession, collection_id: str, ids: Iterable[str]) -> dict[str, CollectionFace]:
    """Return those of the faces that the collection has."""
    wanted = list(dict.fromkeys(face_id for face_id in ids if is_id(face_id)))
    rows: dict[str, CollectionFace] = {}
    for at in range(0, len(wanted), IDS_AT_ONCE):
        query = select(CollectionFace).where(
            CollectionFace.collection_id == collection_id, CollectionFace.id.in_(wanted[at : at + IDS_AT_ONCE])
        )
        rows |= {row.id: row for row in await session.scalars(query)}
    return rows


async def vectors_of_faces(
    session: AsyncSession, row: CollectionRow, face_ids: Collection[str]
) -> Mapping[str, NDArray[np.float32]]:
    """Return the vectors of the collection's model, by face."""
    query = select(FaceVector.face_id, FaceVector.vector).where(
        FaceVector.collection_id == row.id,
        FaceVector.model == row.model,
        FaceVector.face_id.in_([face_id for face_id in face_ids if is_id(face_id)]),
    )
    return {face_id: unpack(raw) for face_id, raw in await session.execute(query)}


def pack(vector: NDArray[np.float32]) -> bytes:
    """Write a vector as it is kept."""
    return vector.astype("<f2").tobytes()


def unpack(raw: bytes) -> NDArray[np.float32]:
    """Read a vector that is kept, brought back to length 1."""
    vector = np.frombuffer(raw, "<f2").astype(np.float32)
    unit: NDArray[np.float32] = vector / max(float(np.linalg.norm(vector)), 1e-12)
    return unit
