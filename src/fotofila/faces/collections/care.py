"""Erasing people, collections, or everything of faces, with a signed receipt of what was erased.

What is erased is gone from the tables in one transaction, which also writes the audit entry and the erasure. The
receipt names the entry's place in the chain, which is known a moment later; so it is signed then.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import delete, func, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.access.audit import Actor, record
from fotofila.access.audit_append import append_waiting
from fotofila.access.audit_chain import canonical, moment, plain
from fotofila.access.audit_models import AuditEntry
from fotofila.access.receipts import signing_keys
from fotofila.core.capability import Context
from fotofila.core.db.locks import is_postgresql
from fotofila.core.errors import InvalidInputError, NotFoundError
from fotofila.core.ids import is_id, new_id
from fotofila.core.observability.metrics import FACES_ERASED
from fotofila.faces.collections.care_models import ConsentRow, ErasureRow
from fotofila.faces.collections.change import remove_faces
from fotofila.faces.collections.models import (
    CollectionFace,
    CollectionRow,
    CollectionUser,
    FaceChip,
    FaceVector,
)
from fotofila.faces.collections.store import find_collection
from fotofila.faces.models import FaceRow

FORMAT = "fotofila-erasure/1"
LISTED = 10_000
"""Ids of faces that a receipt lists; of more it gives the count and the hash of all."""
SEAL_TRIES = 40
SEAL_SECONDS = 0.05

What = Literal["person", "collection", "photo_embeddings", "everything"]


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

    collections: list[dict[str, Any]] = field(default_factory=list)
    photo_embeddings: int = 0

    def counts(self) -> dict[str, int]:
        """Add up."""
        names = ("faces", "vectors", "chips", "users", "consents")
        sums = {name: sum(each["counts"][name] for each in self.collections) for name in names}
        return {"collections": len(self.collections), **sums, "photo_embeddings": self.photo_embeddings}


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """An erasure; the receipt is None for the moment until its audit entry is chained."""

    id: str
    owner: str
    body: Mapping[str, Any]
    receipt: str | None


async def erase_person(
    context: Context, owner: str, person: Person, *, actor: Actor, reason: str | None = None
) -> Erasure:
    """Erase a person from all collections of a workspace: faces, vectors of every model, chips, users, consents.

    Nothing found is an answer, too: its receipt says so.

    Raises:
        InvalidInputError: nobody is named.
    """
    if not person.asked():
        raise InvalidInputError("Say who is to be erased: user_id, external_image_id or face_ids.")

    async def erase(session: AsyncSession, erased: Erased) -> None:
        for collection_id in await touched(session, owner, person):
            row = await hold(session, collection_id)
            if row is not None:
                erased.collections.append(await erase_from(session, row, person))

    return await carry_out(context, owner, "person", person.asked(), erase, actor=actor, reason=reason)


async def erase_collection(
    context: Context, owner: str, name: str, *, actor: Actor, reason: str | None = None
) -> Erasure:
    """Erase a collection with everything in it.

    Raises:
        CollectionNotFoundError: there is none of this name.
    """

    async def erase(session: AsyncSession, erased: Erased) -> None:
        erased.collections.append(await erase_whole(session, await find_collection(session, owner, name, hold=True)))

    return await carry_out(context, owner, "collection", {"collection": name}, erase, actor=actor, reason=reason)


async def erase_photo_embeddings(context: Context, owner: str, *, actor: Actor, reason: str | None = None) -> Erasure:
    """Erase the vectors of the faces in a workspace's photos, which were made while its switch was on."""

    async def erase(session: AsyncSession, erased: Erased) -> None:
        erased.photo_embeddings = await forget_embeddings(session, owner)

    return await carry_out(context, owner, "photo_embeddings", {}, erase, actor=actor, reason=reason)


async def erase_everything(context: Context, owner: str, *, actor: Actor, reason: str | None = None) -> Erasure:
    """Erase every collection of a workspace, and the vectors of the faces in its photos."""

    async def erase(session: AsyncSession, erased: Erased) -> None:
        query = select(CollectionRow.id).where(CollectionRow.owner == owner).order_by(CollectionRow.id)
        for collection_id in (await session.scalars(query)).all():
            row = await hold(session, collection_id)
            if row is not None:
                erased.collections.append(await erase_whole(session, row))
        erased.photo_embeddings = await forget_embeddings(session, owner)

    return await carry_out(context, owner, "everything", {}, erase, actor=actor, reason=reason)


async def carry_out(
    context: Context,
    owner: str,
    what: What,
    asked: Mapping[str, Any],
    erase: Any,
    *,
    actor: Actor,
    reason: str | None,
) -> Erasure:
    """Erase, write down what was erased, and sign the receipt."""
    now = context.clock.now()
    erasure_id = new_id()

    async def work(session: AsyncSession) -> dict[str, int]:
        await overwrite(session, on=True)
        erased = Erased()
        await erase(session, erased)
        await overwrite(session, on=False)
        counts = erased.counts()
        detail = {"erasure": erasure_id, "what": what, "asked": short(asked), "counts": counts}
        subject = asked.get("collection")
        audit_id = await record(
            session, owner=owner, actor=actor, action="faces.erase", subject=subject, detail=detail, now=now
        )
        body = {
            "format": FORMAT,
            "id": erasure_id,
            "workspace": owner,
            "at": moment(now),
            "actor": {"kind": actor.kind, "id": actor.id},
            "what": what,
            "asked": short(asked),
            "reason": reason,
            "counts": counts,
            "erased": erased.collections,
            "kept": ["stored photos", "entries of the audit log", "backups made before"],
        }
        session.add(ErasureRow(id=erasure_id, owner=owner, at=now, audit_id=audit_id, body=plain(body), receipt=None))
        return counts

    counts = await context.db.transact(work)
    FACES_ERASED.labels("asked").inc(counts["faces"])
    for _ in range(SEAL_TRIES):
        erasure = await find_erasure(context, owner, erasure_id)
        if erasure.receipt is not None:
            break
        await asyncio.sleep(SEAL_SECONDS)  # another process is appending
    return erasure


async def find_erasure(context: Context, owner: str, erasure_id: str) -> Erasure:
    """Return an erasure, and sign its receipt where that was not done yet.

    Raises:
        NotFoundError: the workspace has none of this id.
    """
    async with context.db.read() as session:
        row = await session.get(ErasureRow, erasure_id) if is_id(erasure_id) else None
    if row is None or row.owner != owner:
        raise NotFoundError("There is no such erasure: GET /api/erasures lists them.")
    receipt = row.receipt or await sign(context, row)
    return Erasure(id=row.id, owner=row.owner, body=row.body, receipt=receipt)


async def sign(context: Context, row: ErasureRow) -> str | None:
    """Sign the receipt of an erasure whose audit entry is in the chain; None where it is not there yet."""
    keys = signing_keys(context)
    await append_waiting(context, keys)
    async with context.db.read() as session:
        entry = await session.scalar(select(AuditEntry).where(AuditEntry.id == row.audit_id))
    if entry is None:
        return None
    place = {"id": entry.id, "sequence": entry.sequence, "hash": entry.hash}
    receipt = canonical(keys.sign({**row.body, "audit": place}))

    async def work(session: AsyncSession) -> None:
        unsigned = ErasureRow.id == row.id, ErasureRow.receipt.is_(None)
        await session.execute(update(ErasureRow).where(*unsigned).values(receipt=receipt))

    await context.db.transact(work)
    return receipt


async def list_erasures(context: Context, owner: str, *, limit: int, before: str | None = None) -> tuple[Erasure, ...]:
    """Return erasures, newest first; `before` is the id of the last one seen."""
    query = select(ErasureRow).where(ErasureRow.owner == owner).order_by(ErasureRow.id.desc()).limit(limit)
    if before is not None:
        query = query.where(ErasureRow.id < before)
    async with context.db.read() as session:
        rows = (await session.scalars(query)).all()
    return tuple(Erasure(id=row.id, owner=row.owner, body=row.body, receipt=row.receipt) for row in rows)


async def touched(session: AsyncSession, owner: str, person: Person) -> Sequence[str]:
    """Return the collections that know a person, in the order in which they are held."""
    mine = select(CollectionRow.id).where(CollectionRow.owner == owner)
    asked = [
        select(CollectionFace.collection_id).where(CollectionFace.owner == owner, fits(person)),
        select(ConsentRow.collection_id).where(ConsentRow.collection_id.in_(mine), agreed(person, ())),
    ]
    if person.user_id is not None:
        users = select(CollectionUser.collection_id).where(CollectionUser.collection_id.in_(mine))
        asked.append(users.where(CollectionUser.user_id == person.user_id))
    return sorted({each for query in asked for each in await session.scalars(query.distinct())})


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
    """Hold a collection to the end of the transaction; None where it is gone."""
    query = select(CollectionRow).where(CollectionRow.id == collection_id).with_for_update()
    return await session.scalar(query.execution_options(populate_existing=True))


async def erase_from(session: AsyncSession, collection: CollectionRow, person: Person) -> dict[str, Any]:
    """Erase a person from one collection, and return what was there."""
    query = select(CollectionFace.id).where(CollectionFace.collection_id == collection.id, fits(person))
    ids = sorted((await session.scalars(query)).all())
    counts = await count_of(session, ids)
    await remove_faces(session, collection, ids)
    consents = delete(ConsentRow).where(ConsentRow.collection_id == collection.id, agreed(person, ids))
    counts["consents"] = len((await session.scalars(consents.returning(ConsentRow.id))).all())
    users: list[str] = []
    if person.user_id is not None:
        gone = delete(CollectionUser).where(
            CollectionUser.collection_id == collection.id, CollectionUser.user_id == person.user_id
        )
        users = [*(await session.scalars(gone.returning(CollectionUser.user_id)))]
        collection.user_count -= len(users)
    counts["users"] = len(users)
    return shape(collection, ids, users, counts)


async def erase_whole(session: AsyncSession, collection: CollectionRow) -> dict[str, Any]:
    """Erase a collection, and return what was in it."""
    mine = CollectionFace.collection_id == collection.id
    ids = sorted((await session.scalars(select(CollectionFace.id).where(mine))).all())
    users = (
        await session.scalars(select(CollectionUser.user_id).where(CollectionUser.collection_id == collection.id))
    ).all()
    faces = select(CollectionFace.id).where(mine)
    counts = {
        "faces": len(ids),
        "vectors": await number(session, FaceVector, FaceVector.collection_id == collection.id),
        "chips": await number(session, FaceChip, FaceChip.face_id.in_(faces)),
        "consents": await number(session, ConsentRow, ConsentRow.collection_id == collection.id),
        "users": len(users),
    }
    made = shape(collection, ids, sorted(users), counts)
    await session.execute(delete(CollectionRow).where(CollectionRow.id == collection.id))
    return {**made, "whole": True}


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


def short(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Tell what was asked for without more ids than a receipt lists."""
    return {name: value[:LISTED] if isinstance(value, list) else value for name, value in asked.items()}


async def overwrite(session: AsyncSession, *, on: bool) -> None:
    """Have SQLite put zeros where rows were; PostgreSQL does without, until it vacuums."""
    if not is_postgresql(session):
        await session.flush()
        await session.execute(text(f"PRAGMA secure_delete = {'ON' if on else 'OFF'}"))
