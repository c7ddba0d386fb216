"""Erasing people, collections, or everything of faces, with a signed receipt of what was erased.

People are gone from the tables in one transaction, which also writes the audit entry and the erasure. Whole collections
are out of sight in that transaction, and gone some batches later (`care_tomb.py`), when the audit entry is written.
Where an engine keeps the faces, it has deleted them before. The receipt names the entry's place in the chain, which is
known a moment later; so it is signed then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.access.audit import Actor
from fotofila.access.audit_append import append_waiting
from fotofila.access.audit_chain import canonical, moment, plain
from fotofila.access.audit_models import AuditEntry
from fotofila.access.receipts import signing_keys
from fotofila.core.capability import Context
from fotofila.core.errors import InvalidInputError, NotFoundError
from fotofila.core.ids import is_id, new_id
from fotofila.faces.collections.care_models import ErasureRow
from fotofila.faces.collections.care_remove import (
    LISTED,
    Erased,
    Person,
    erase_from,
    forget_embeddings,
    hold,
    overwrite,
    touched,
)
from fotofila.faces.collections.care_tomb import bury_for, end
from fotofila.faces.collections.care_tomb import clear as delete_buried
from fotofila.faces.collections.choose import search_of
from fotofila.faces.collections.kept.erase import clear_collection, clear_everything, clear_person
from fotofila.faces.collections.kept.gone import Gone, once_gone
from fotofila.faces.collections.models import CollectionRow
from fotofila.faces.collections.store import find_collection

FORMAT = "fotofila-erasure/1"
SEAL_TRIES = 40
SEAL_SECONDS = 0.05

What = Literal["person", "collection", "photo_embeddings", "everything"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """An erasure; the receipt is None for the moment until its audit entry is chained."""

    id: str
    owner: str
    body: Mapping[str, Any]
    receipt: str | None
    done: bool = True
    """False: it is out of everybody's sight, and being deleted."""


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

    async def clear() -> Gone:
        return await clear_person(context, owner, person)

    async def erase(session: AsyncSession, erased: Erased) -> None:
        for collection_id in await touched(session, owner, person, erased.gone):
            row = await hold(session, collection_id)
            if row is not None:
                erased.collections.append(await erase_from(session, row, person, erased.gone))

    return await carry_out(context, owner, "person", person.asked(), clear, erase, actor=actor, reason=reason)


async def erase_collection(
    context: Context, owner: str, name: str, *, actor: Actor, reason: str | None = None
) -> Erasure:
    """Erase a collection with everything in it.

    Raises:
        CollectionNotFoundError: there is none of this name.
    """

    async def clear() -> Gone:
        return await clear_collection(context, owner, name)

    async def erase(session: AsyncSession, erased: Erased) -> None:
        row = await find_collection(session, owner, name, hold=True)
        await bury_for(session, row, erased)

    asked = {"collection": name}
    return await carry_out(context, owner, "collection", asked, clear, erase, actor=actor, reason=reason)


async def erase_photo_embeddings(context: Context, owner: str, *, actor: Actor, reason: str | None = None) -> Erasure:
    """Erase the vectors of the faces in a workspace's photos, which were made while its switch was on."""

    async def clear() -> Gone:
        return Gone()  # they are ours alone

    async def erase(session: AsyncSession, erased: Erased) -> None:
        erased.photo_embeddings = await forget_embeddings(session, owner)

    return await carry_out(context, owner, "photo_embeddings", {}, clear, erase, actor=actor, reason=reason)


async def erase_everything(context: Context, owner: str, *, actor: Actor, reason: str | None = None) -> Erasure:
    """Erase every collection of a workspace, and the vectors of the faces in its photos."""

    async def clear() -> Gone:
        return await clear_everything(context, owner)

    async def erase(session: AsyncSession, erased: Erased) -> None:
        query = select(CollectionRow.id).where(CollectionRow.owner == owner).order_by(CollectionRow.id)
        for collection_id in (await session.scalars(query)).all():
            row = await hold(session, collection_id)
            if row is not None:
                await bury_for(session, row, erased)
        erased.photo_embeddings = await forget_embeddings(session, owner)

    return await carry_out(context, owner, "everything", {}, clear, erase, actor=actor, reason=reason)


async def carry_out(
    context: Context,
    owner: str,
    what: What,
    asked: Mapping[str, Any],
    clear: Callable[[], Awaitable[Gone]],
    erase: Callable[[AsyncSession, Erased], Awaitable[None]],
    *,
    actor: Actor,
    reason: str | None,
) -> Erasure:
    """Delete where an engine keeps faces, then erase here, write down what was erased, and sign the receipt."""
    now = context.clock.now()
    erasure_id = new_id()

    async def work(session: AsyncSession, gone: Gone) -> Erased:
        await overwrite(session, on=True)
        erased = Erased(id=erasure_id, actor=actor, at=now, gone=gone)
        await erase(session, erased)
        await overwrite(session, on=False)
        body = {
            "format": FORMAT,
            "id": erasure_id,
            "workspace": owner,
            "at": moment(now),
            "actor": {"kind": actor.kind, "id": actor.id},
            "what": what,
            "asked": short(asked),
            "reason": reason,
            "counts": erased.counts(),
            "erased": erased.collections,
            "kept": ["stored photos", "entries of the audit log", "backups made before"],
        }
        row = ErasureRow(id=erasure_id, owner=owner, at=now, audit_id="", body=plain(body), receipt=None)
        session.add(row)
        await end(context, session, row)
        return erased

    erased = await once_gone(context, clear, work)
    for collection_id in erased.buried:
        search_of(context).forget(collection_id)
    await delete_buried(context, erased.buried)
    for _ in range(SEAL_TRIES):
        erasure = await find_erasure(context, owner, erasure_id)
        if erasure.receipt is not None or not erasure.done:
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
    return shape(row, row.receipt or await sign(context, row))


def shape(row: ErasureRow, receipt: str | None) -> Erasure:
    """Shape an erasure."""
    return Erasure(id=row.id, owner=row.owner, body=row.body, receipt=receipt, done=bool(row.audit_id))


async def sign(context: Context, row: ErasureRow) -> str | None:
    """Sign the receipt of an erasure whose audit entry is in the chain; None where it is not there yet."""
    if not row.audit_id:
        return None
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
    return tuple(shape(row, row.receipt) for row in rows)


def short(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Tell what was asked for without more ids than a receipt lists."""
    return {name: value[:LISTED] if isinstance(value, list) else value for name, value in asked.items()}
