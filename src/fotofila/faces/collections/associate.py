"""Whose faces are whose: joining faces of a collection to a user, and taking them away."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.access.audit import Actor
from fotofila.core.capability import Context
from fotofila.faces.collections.change import find_user, next_revision, renew_user
from fotofila.faces.collections.models import CollectionFace, CollectionRow
from fotofila.faces.collections.similarity import similarity
from fotofila.faces.collections.store import faces_by_id, find_collection, open_collection, vectors_of_faces
from fotofila.faces.collections.types import Associated, NotDone, UserStatus
from fotofila.faces.collections.users import audit, user_record

ASSOCIATE_THRESHOLD = 75.0

Likeness = tuple[bool, float | None]
"""Whether a face may join others, and its similarity to them where that is known."""


async def associate_faces(
    context: Context,
    owner: str,
    name: str,
    user_id: str,
    face_ids: Sequence[str],
    *,
    actor: Actor,
    threshold: float = ASSOCIATE_THRESHOLD,
) -> Associated:
    """Let faces of the collection belong to a user, one after the other.

    A face that is less than `threshold` (0-100) similar to the mean of those that belong to the user already is
    refused (`LOW_MATCH_CONFIDENCE`); the first of a user without faces is taken as it is. A face of another user is
    refused (`ASSOCIATED_TO_A_DIFFERENT_USER`); one that is this user's already is told as done.

    Raises:
        CollectionNotFoundError, UserNotFoundError: there is none of this name.
        RecognitionOffError: neither the workspace nor the collection recognises faces.
    """

    async def work(session: AsyncSession) -> Associated:
        await open_collection(session, owner, name)
        collection = await find_collection(session, owner, name, hold=True)
        await find_user(session, collection, user_id)
        rows = await faces_by_id(session, collection.id, face_ids)
        own = await own_faces(session, collection, user_id)
        vectors = await vectors_of_faces(session, collection, [*own, *rows])

        def likeness(face_id: str, known: Sequence[str]) -> Likeness:
            there = [vectors[each] for each in known if each in vectors]
            found = likeness_to(collection.model, there, vectors.get(face_id))
            return found is None or found >= threshold, found

        taken, not_done = admit(rows, user_id=user_id, own=own, wanted=face_ids, likeness=likeness)
        detail = {"user_id": user_id, "faces": taken, "not_done": len(not_done), "threshold": threshold}
        status = await join(context, session, collection, [rows[each] for each in taken], detail, actor=actor)
        return Associated(face_ids=tuple(taken), not_done=tuple(not_done), status=status)

    return await context.db.transact(work)


async def join(
    context: Context,
    session: AsyncSession,
    collection: CollectionRow,
    rows: Sequence[CollectionFace],
    detail: Mapping[str, Any],
    *,
    actor: Actor,
) -> UserStatus:
    """Give faces to the user of `detail`, and write that down; return how the user stands now."""
    for row in rows:
        row.user_id = detail["user_id"]
    user = await renew_user(session, collection, detail["user_id"], next_revision(collection))
    await audit(session, collection, actor, "users.associate", detail, context)
    return user_record(user).status


async def disassociate_faces(
    context: Context, owner: str, name: str, user_id: str, face_ids: Sequence[str], *, actor: Actor
) -> Associated:
    """Take faces away from a user; they stay in the collection.

    Raises:
        CollectionNotFoundError, UserNotFoundError: there is none of this name.
    """

    async def work(session: AsyncSession) -> Associated:
        collection = await find_collection(session, owner, name, hold=True)
        await find_user(session, collection, user_id)
        rows = await faces_by_id(session, collection.id, face_ids)
        freed: list[str] = []
        not_done: list[NotDone] = []
        for face_id in dict.fromkeys(face_ids):
            row = rows.get(face_id)
            if row is None or row.user_id is None:
                not_done.append(NotDone(face_id=face_id, reasons=("FACE_NOT_FOUND",)))
            elif row.user_id != user_id:
                not_done.append(different(face_id, row.user_id))
            else:
                row.user_id = None
                freed.append(face_id)
        user = await renew_user(session, collection, user_id, next_revision(collection))
        detail = {"user_id": user_id, "faces": freed, "not_done": len(not_done)}
        await audit(session, collection, actor, "users.disassociate", detail, context)
        return Associated(face_ids=tuple(freed), not_done=tuple(not_done), status=user_record(user).status)

    return await context.db.transact(work)


async def own_faces(session: AsyncSession, collection: CollectionRow, user_id: str) -> list[str]:
    """Return the ids of a user's faces."""
    mine = CollectionFace.collection_id == collection.id, CollectionFace.user_id == user_id
    return list(await session.scalars(select(CollectionFace.id).where(*mine)))


def admit(
    rows: Mapping[str, CollectionFace],
    *,
    user_id: str,
    own: Sequence[str],
    wanted: Sequence[str],
    likeness: Callable[[str, Sequence[str]], Likeness],
) -> tuple[list[str], list[NotDone]]:
    """Say which of the wanted faces are taken in, and why the others are not."""
    taken: list[str] = []
    not_done: list[NotDone] = []
    known = [*own]
    for face_id in dict.fromkeys(wanted):
        row = rows.get(face_id)
        if row is None:
            not_done.append(NotDone(face_id=face_id, reasons=("FACE_NOT_FOUND",)))
            continue
        if row.user_id == user_id:
            taken.append(face_id)
            continue
        if row.user_id is not None:
            not_done.append(different(face_id, row.user_id))
            continue
        alike, similar = likeness(face_id, known)
        if not alike:
            not_done.append(NotDone(face_id=face_id, reasons=("LOW_MATCH_CONFIDENCE",), similarity=similar))
            continue
        taken.append(face_id)
        known.append(face_id)
    return taken, not_done


def likeness_to(model: str, known: Sequence[NDArray[np.float32]], vector: NDArray[np.float32] | None) -> float | None:
    """Return the similarity of a face to the mean of others; None where there is nothing to compare."""
    if vector is None or not known:
        return None
    mean = np.mean(known, axis=0)
    return similarity(model, float(vector @ mean) / max(float(np.linalg.norm(mean)), 1e-12))


def different(face_id: str, user_id: str) -> NotDone:
    """Say that a face is another user's."""
    return NotDone(face_id=face_id, reasons=("ASSOCIATED_TO_A_DIFFERENT_USER",), user_id=user_id)
