"""Changing what is in a collection: every change of a vector goes through here, and is marked with a revision.

The caller holds the collection (`find_collection(..., hold=True)`) and takes one revision a transaction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.faces.collections.errors import UserNotFoundError
from fotofila.faces.collections.models import (
    CollectionFace,
    CollectionRow,
    CollectionUser,
    FaceVector,
    Removal,
    UserVector,
)
from fotofila.faces.collections.store import IDS_AT_ONCE, faces_by_id, pack, record_of, unpack
from fotofila.faces.collections.types import FaceRecord

MOST_REMOVALS = 100_000
"""Removals that are told; who missed more of them loads everything, which takes a second."""
FORGET_EVERY = 64
"""Revisions between two looks for removals that are too old, unless there are `MANY` at once."""
MANY = 1000


def next_revision(collection: CollectionRow) -> int:
    """Take the revision of this transaction's changes."""
    collection.revision += 1
    return collection.revision


async def remove_faces(
    session: AsyncSession, collection: CollectionRow, face_ids: Collection[str]
) -> tuple[FaceRecord, ...]:
    """Erase faces with their vectors and chips, take them from their users, and return what they were."""
    rows = list((await faces_by_id(session, collection.id, face_ids)).values())
    if not rows:
        return ()
    records = tuple(record_of(row) for row in rows)
    for row in rows:
        session.expunge(row)
    revision = next_revision(collection)
    ids = [record.face_id for record in records]
    for at in range(0, len(ids), IDS_AT_ONCE):
        await session.execute(delete(CollectionFace).where(CollectionFace.id.in_(ids[at : at + IDS_AT_ONCE])))
    await tell_removed(session, collection, ids, revision)
    collection.face_count -= len(ids)
    for user_id in sorted({record.user_id for record in records if record.user_id is not None}):
        await renew_user(session, collection, user_id, revision)
    return records


async def tell_removed(session: AsyncSession, collection: CollectionRow, ids: Collection[str], revision: int) -> None:
    """Tell those who hold vectors in memory that some are gone; the oldest news are forgotten now and then."""
    rows = [{"collection_id": collection.id, "revision": revision, "id": row_id} for row_id in ids]
    await session.execute(insert(Removal), rows)
    if len(rows) < MANY and revision % FORGET_EVERY:
        return
    mine = Removal.collection_id == collection.id
    newest = select(Removal.revision).where(mine).order_by(Removal.revision.desc())
    last = await session.scalar(newest.offset(MOST_REMOVALS).limit(1))
    if last is not None:
        collection.removals_from = last
        await session.execute(delete(Removal).where(mine, Removal.revision <= last))


async def find_user(session: AsyncSession, collection: CollectionRow, user_id: str) -> CollectionUser:
    """Return a user of a collection.

    Raises:
        UserNotFoundError: it has none of this id.
    """
    query = select(CollectionUser).where(
        CollectionUser.collection_id == collection.id, CollectionUser.user_id == user_id
    )
    user = await session.scalar(query)
    if user is None:
        raise UserNotFoundError(f"The collection {collection.name!r} has no user {user_id!r}.")
    return user


async def renew_user(session: AsyncSession, collection: CollectionRow, user_id: str, revision: int) -> CollectionUser:
    """Count a user's faces and make the user's vectors anew: of each model, the mean of those that the faces have."""
    await session.flush()
    user = await find_user(session, collection, user_id)
    mine = CollectionFace.user_id == user_id, CollectionFace.collection_id == collection.id
    user.face_count = await session.scalar(select(func.count()).select_from(CollectionFace).where(*mine)) or 0
    query = select(FaceVector.model, FaceVector.vector).join(CollectionFace, CollectionFace.id == FaceVector.face_id)
    by_model: dict[str, list[NDArray[np.float32]]] = defaultdict(list)
    for model, raw in await session.execute(query.where(*mine)):
        by_model[model].append(unpack(raw))
    had = (await session.scalars(select(UserVector.model).where(UserVector.user_row_id == user.id))).all()
    await session.execute(delete(UserVector).where(UserVector.user_row_id == user.id))
    if had and not by_model:
        await tell_removed(session, collection, [user.id], revision)
    if by_model:
        await session.execute(insert(UserVector), user_rows(collection, user, by_model, revision))
    return user


def user_rows(
    collection: CollectionRow,
    user: CollectionUser,
    by_model: Mapping[str, list[NDArray[np.float32]]],
    revision: int,
) -> list[dict[str, object]]:
    """Shape a user's vectors."""
    return [
        {
            "user_row_id": user.id,
            "model": model,
            "collection_id": collection.id,
            "revision": revision,
            "vector": pack(mean_of(vectors)),
        }
        for model, vectors in by_model.items()
    ]


def mean_of(vectors: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return the mean direction of unit vectors."""
    mean = np.mean(vectors, axis=0)
    unit: NDArray[np.float32] = (mean / max(float(np.linalg.norm(mean)), 1e-12)).astype(np.float32)
    return unit
