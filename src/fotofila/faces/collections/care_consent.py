"""Consents: who agreed to be recognised, when, in which words. They are notes; they let nobody in and keep nobody out.

The audit log tells that a note was made and the hash of its words, not the words: it cannot be erased.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.access.audit import Actor, record
from fotofila.core.capability import Context
from fotofila.core.errors import NotFoundError
from fotofila.core.ids import is_id, new_id
from fotofila.faces.collections.care_models import ConsentRow
from fotofila.faces.collections.models import CollectionRow
from fotofila.faces.collections.store import find_collection

Kind = Literal["face_id", "user_id", "external_image_id"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """A note that is to be made."""

    kind: Kind
    subject: str
    text: str
    given_by: str | None = None
    given_at: datetime | None = None
    """None: now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What the people of an image agreed to, given with the image."""

    text: str
    """Their words, or where these are kept: the number of a form, for example."""
    given_by: str | None = None


async def note_faces(
    session: AsyncSession,
    collection: CollectionRow,
    face_ids: Sequence[str],
    agreement: Agreement,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Note for each face that is indexed that somebody agreed; a face that has this very note keeps it.

    One audit entry tells of all.
    """
    same = ConsentRow.text == agreement.text, ConsentRow.given_by.is_not_distinct_from(agreement.given_by)
    mine = ConsentRow.collection_id == collection.id, ConsentRow.kind == "face_id", ConsentRow.withdrawn_at.is_(None)
    noted = set(await session.scalars(select(ConsentRow.subject).where(*mine, *same, ConsentRow.subject.in_(face_ids))))
    rows = [
        ConsentRow(
            id=new_id(),
            collection_id=collection.id,
            kind="face_id",
            subject=face_id,
            text=agreement.text,
            given_by=agreement.given_by,
            given_at=now,
            recorded_at=now,
            withdrawn_at=None,
        )
        for face_id in face_ids
        if face_id not in noted
    ]
    if not rows:
        return
    session.add_all(rows)
    await session.flush()
    detail = {
        "consents": [row.id for row in rows],
        "faces": [row.subject for row in rows],
        "given_at": now.isoformat(),
        "text_sha256": hash_of(agreement.text),
    }
    await record(
        session,
        owner=collection.owner,
        actor=actor,
        action="consent.add",
        subject=collection.name,
        detail=detail,
        now=now,
    )


def hash_of(text: str) -> str:
    """Return the SHA-256 of somebody's words."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


async def add_consents(
    context: Context, owner: str, name: str, consents: Sequence[Consent], *, actor: Actor
) -> tuple[ConsentRow, ...]:
    """Note that people agreed; what they agreed for need not be indexed yet.

    Raises:
        CollectionNotFoundError: there is none of this name.
    """
    now = context.clock.now()

    async def work(session: AsyncSession) -> tuple[ConsentRow, ...]:
        collection = await find_collection(session, owner, name, hold=True)
        rows = tuple(
            ConsentRow(
                id=new_id(),
                collection_id=collection.id,
                kind=each.kind,
                subject=each.subject,
                text=each.text,
                given_by=each.given_by,
                given_at=each.given_at or now,
                recorded_at=now,
                withdrawn_at=None,
            )
            for each in consents
        )
        session.add_all(rows)
        await session.flush()
        for row in rows:
            await tell(session, owner, name, row, actor=actor, action="consent.add", now=now)
        return rows

    return await context.db.transact(work)


async def list_consents(
    context: Context,
    owner: str,
    name: str,
    *,
    limit: int,
    before: str | None = None,
    kind: Kind | None = None,
    subject: str | None = None,
) -> tuple[ConsentRow, ...]:
    """Return notes, newest first; `before` is the id of the last one seen.

    Raises:
        CollectionNotFoundError: there is none of this name.
    """
    query = select(ConsentRow).order_by(ConsentRow.id.desc()).limit(limit)
    if before is not None:
        query = query.where(ConsentRow.id < before)
    if kind is not None:
        query = query.where(ConsentRow.kind == kind)
    if subject is not None:
        query = query.where(ConsentRow.subject == subject)
    async with context.db.read() as session:
        collection = await find_collection(session, owner, name)
        return tuple(await session.scalars(query.where(ConsentRow.collection_id == collection.id)))


async def withdraw_consent(context: Context, owner: str, name: str, consent_id: str, *, actor: Actor) -> ConsentRow:
    """Note that somebody agrees no more; the faces stay until they are erased (`care.erase_person`).

    Raises:
        NotFoundError: the collection has no such note.
    """
    now = context.clock.now()

    async def work(session: AsyncSession) -> ConsentRow:
        collection = await find_collection(session, owner, name, hold=True)
        row = await session.get(ConsentRow, consent_id, with_for_update=True) if is_id(consent_id) else None
        if row is None or row.collection_id != collection.id:
            raise NotFoundError("There is no such consent: list those of the collection.")
        if row.withdrawn_at is None:
            row.withdrawn_at = now
            await tell(session, owner, name, row, actor=actor, action="consent.withdraw", now=now)
        return row

    return await context.db.transact(work)


async def forget_consents(session: AsyncSession, collection_id: str, face_ids: Collection[str]) -> None:
    """Erase the notes of faces that are gone."""
    mine = ConsentRow.collection_id == collection_id, ConsentRow.kind == "face_id"
    await session.execute(delete(ConsentRow).where(*mine, ConsentRow.subject.in_(face_ids)))


async def tell(
    session: AsyncSession, owner: str, name: str, row: ConsentRow, *, actor: Actor, action: str, now: datetime
) -> None:
    """Write an audit entry about a note."""
    detail = {
        "consent": row.id,
        row.kind: row.subject,
        "given_at": row.given_at.isoformat(),
        "text_sha256": hash_of(row.text),
    }
    await record(session, owner=owner, actor=actor, action=action, subject=name, detail=detail, now=now)
