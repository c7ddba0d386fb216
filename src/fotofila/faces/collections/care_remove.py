"""Taking people and collections out of the tables, and counting what was there; the caller tells and signs."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.access.audit import Actor
from fotofila.core.db.locks import is_postgresql
from fotofila.core.ids import is_id
from fotofila.faces.collections.care_models import TOMB, ConsentRow
from fotofila.faces.collections.change import remove_faces
from fotofila.faces.collections.kept.gone import Gone
from fotofila.faces.collections.models import (
    CollectionFace,
    CollectionRow,
    CollectionUser,
    FaceChip,
    FaceVector,
)
from fotofila.faces.models import FaceRow

LISTED = 10_000
"""Ids of faces that a receipt lists; of more it gives the count and the hash of all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who is to be erased: everything that fits any of these."""

    user_id: str | None = None
    external_image_id: str | None = None
    face_ids: tuple[str, ...] = ()

    def asked(self) -> dict[str, Any]:
        """What was asked for, as the receipt tells it."""
        given = {"user_id": self.user_id, "external_image_id": self.external_image_id, "face_ids": [*self.face_ids]}
        return {name: value for name, value in given.items() if value}


@dataclass(slots=True, kw_only=True)
class Erased:
    """What was erased, while it is being counted."""

    id: str
    """Of the erasure."""
    actor: Actor
    at: datetime
    gone: Gone
    """What the engine that keeps faces has deleted before."""
    collections: list[dict[str, Any]] = field(default_factory=list)
    photo_embeddings: int = 0

    @property
    def buried(self) -> list[str]:
        """Collections that are out of sight and yet to be deleted."""
        return [each["collection_id"] for each in self.collections if "counts" not in each]

    def counts(self) -> dict[str, int]:
        """Add up."""
        sums = sums_of(each.get("counts") or each["expected"] for each in self.collections)
        return {"collections": len(self.collections), **sums, "photo_embeddings": self.photo_embeddings}


def sums_of(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Add up what was erased from several collections."""
    told = [*counts]
    return {
        name: sum(each.get(name, 0) for each in told) for name in ("faces", "vectors", "chips", "users", "consents")
    }


async def touched(session: AsyncSession, owner: str, person: Person, gone: Gone) -> Sequence[str]:
    """Return the collections that know a person, or knew one at the engine, in the order in which they are held."""
    mine = select(CollectionRow.id).where(CollectionRow.owner == owner)
    asked = [
        select(CollectionFace.collection_id).where(CollectionFace.owner == owner, fits(person)),
        select(ConsentRow.collection_id).where(ConsentRow.collection_id.in_(mine), agreed(person, ())),
    ]
    if person.user_id is not None:
        users = select(CollectionUser.collection_id).where(CollectionUser.collection_id.in_(mine))
        asked.append(users.where(CollectionUser.user_id == person.user_id))
    there = {collection_id for collection_id, faces in gone.deleted.items() if faces}
    return sorted(there.union(*[await session.scalars(query.distinct()) for query in asked]))


def fits(person: Person) -> Any:
    """Return the condition for faces of a person; what was not asked for fits nobody."""
    conditions: list[Any] = [CollectionFace.id.in_([each for each in person.face_ids if is_id(each)])]
    if person.user_id is not None:
        conditions.append(CollectionFace.user_id == person.user_id)
    if person.external_image_id is not None:
        conditions.append(CollectionFace.external_image_id == person.external_image_id)
    return or_(*conditions)


def agreed(person: Person, face_ids: Collection[str]) -> Any:
    """Return the condition for consents of a person."""
    conditions: list[Any] = [(ConsentRow.kind == "face_id") & ConsentRow.subject.in_([*person.face_ids, *face_ids])]
    if person.user_id is not None:
        conditions.append((ConsentRow.kind == "user_id") & (ConsentRow.subject == person.user_id))
    if person.external_image_id is not None:
        named = (ConsentRow.kind == "external_image_id") & (ConsentRow.subject == person.external_image_id)
        conditions.append(named)
    return or_(*conditions)


async def hold(session: AsyncSession, collection_id: str) -> CollectionRow | None:
    """Hold a collection to the end of the transaction; None where it is gone, or about to be."""
    query = select(CollectionRow).where(CollectionRow.id == collection_id, CollectionRow.owner != TOMB)
    query = query.with_for_update()
    return await session.scalar(query.execution_options(populate_existing=True))


async def erase_from(session: AsyncSession, collection: CollectionRow, person: Person, gone: Gone) -> dict[str, Any]:
    """Erase a person from one collection, and return what was there.

    Raises:
        StillThereError: the engine that keeps the collection may have one of the faces.
    """
    query = select(CollectionFace.id).where(CollectionFace.collection_id == collection.id, fits(person))
    ids = sorted((await session.scalars(query)).all())
    gone.demand(collection, ids)
    counts = await count_of(session, ids)
    await remove_faces(session, collection, ids)
    consents = delete(ConsentRow).where(ConsentRow.collection_id == collection.id, agreed(person, ids))
    counts["consents"] = len((await session.scalars(consents.returning(ConsentRow.id))).all())
    users: list[str] = []
    if person.user_id is not None:
        leaving = delete(CollectionUser).where(
            CollectionUser.collection_id == collection.id, CollectionUser.user_id == person.user_id
        )
        users = [*(await session.scalars(leaving.returning(CollectionUser.user_id)))]
        collection.user_count -= len(users)
    counts["users"] = len(users)
    return {**shape(collection, ids, users, counts), **gone.told(collection)}


async def count_of(session: AsyncSession, ids: Sequence[str]) -> dict[str, int]:
    """Count what belongs to faces."""
    return {
        "faces": len(ids),
        "vectors": await number(session, FaceVector, FaceVector.face_id.in_(ids)),
        "chips": await number(session, FaceChip, FaceChip.face_id.in_(ids)),
    }


async def number(session: AsyncSession, table: Any, condition: Any) -> int:
    """Count rows."""
    return await session.scalar(select(func.count()).select_from(table).where(condition)) or 0


async def forget_embeddings(session: AsyncSession, owner: str) -> int:
    """Take the vectors from the faces of a workspace's photos; return from how many."""
    mine = FaceRow.owner == owner, FaceRow.embedding.is_not(None)
    count = await session.scalar(select(func.count()).select_from(FaceRow).where(*mine)) or 0
    await session.execute(update(FaceRow).where(*mine).values(embedding=None, embedding_model=None))
    return count


def shape(
    collection: CollectionRow, ids: Sequence[str], users: Sequence[str], counts: Mapping[str, int]
) -> dict[str, Any]:
    """Tell what was erased from a collection."""
    return {
        "collection": collection.name,
        "collection_id": collection.id,
        "counts": dict(counts),
        "user_ids": [*users[:LISTED]],
        "face_ids": [*ids[:LISTED]],
        "face_ids_sha256": hashlib.sha256("\n".join(ids).encode()).hexdigest(),
    }


async def overwrite(session: AsyncSession, *, on: bool) -> None:
    """Have SQLite put zeros where rows were; PostgreSQL does without, until it vacuums."""
    if not is_postgresql(session):
        await session.flush()
        await session.execute(text(f"PRAGMA secure_delete = {'ON' if on else 'OFF'}"))
