"""Users: people who are known by several faces, and found by the mean of their vectors."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.access.audit import Actor, record
from fotofila.core.capability import Context
from fotofila.core.errors import InvalidInputError
from fotofila.core.ids import new_id
from fotofila.faces.collections.change import find_user, next_revision, tell_removed
from fotofila.faces.collections.errors import UserExistsError
from fotofila.faces.collections.models import CollectionFace, CollectionRow, CollectionUser, UserVector
from fotofila.faces.collections.store import find_collection
from fotofila.faces.collections.types import UserRecord, UserStatus

USER_ID = re.compile(r"[A-Za-z0-9_.:\-]{1,128}")


async def create_user(context: Context, owner: str, name: str, user_id: str, *, actor: Actor) -> UserRecord:
    """Make a user without faces.

    Raises:
        CollectionNotFoundError: there is none of this name.
        UserExistsError: the collection has one of this id.
        InvalidInputError: the id is not of that form.
    """
    if not USER_ID.fullmatch(user_id):
        raise InvalidInputError("A user's id is 1 to 128 letters, digits, underscores, dots, hyphens and colons.")
    now = context.clock.now()

    async def work(session: AsyncSession) -> UserRecord:
        collection = await find_collection(session, owner, name, hold=True)
        query = select(CollectionUser.id).where(
            CollectionUser.collection_id == collection.id, CollectionUser.user_id == user_id
        )
        if await session.scalar(query) is not None:
            raise UserExistsError(f"The collection {name!r} has a user {user_id!r} already: take another id.")
        row = CollectionUser(id=new_id(), collection_id=collection.id, user_id=user_id, face_count=0, created_at=now)
        session.add(row)
        collection.user_count += 1
        await audit(session, collection, actor, "users.create", {"user_id": user_id}, context)
        return user_record(row)

    return await context.db.transact(work)


async def delete_user(context: Context, owner: str, name: str, user_id: str, *, actor: Actor) -> None:
    """Delete a user; the faces stay, and belong to nobody.

    Raises:
        CollectionNotFoundError, UserNotFoundError: there is none of this name.
    """

    async def work(session: AsyncSession) -> None:
        collection = await find_collection(session, owner, name, hold=True)
        user = await find_user(session, collection, user_id)
        mine = CollectionFace.collection_id == collection.id, CollectionFace.user_id == user_id
        await session.execute(update(CollectionFace).where(*mine).values(user_id=None))
        await tell_removed(session, collection, [user.id], next_revision(collection))
        await session.execute(delete(UserVector).where(UserVector.user_row_id == user.id))
        await session.delete(user)
        collection.user_count -= 1
        await audit(session, collection, actor, "users.delete", {"user_id": user_id}, context)

    await context.db.transact(work)


async def get_user(context: Context, owner: str, name: str, user_id: str) -> UserRecord:
    """Return one user with the ids of the faces.

    Raises:
        CollectionNotFoundError, UserNotFoundError: there is none of this name.
    """
    async with context.db.read() as session:
        collection = await find_collection(session, owner, name)
        user = await find_user(session, collection, user_id)
        query = select(CollectionFace.id).where(
            CollectionFace.collection_id == collection.id, CollectionFace.user_id == user_id
        )
        faces = tuple(await session.scalars(query.order_by(CollectionFace.id)))
        return user_record(user, face_ids=faces)


async def list_users(
    context: Context, owner: str, name: str, *, limit: int, after: str | None = None
) -> tuple[UserRecord, ...]:
    """Return users by their id; `after` is the last one seen.

    Raises:
        CollectionNotFoundError: there is none of this name.
    """
    async with context.db.read() as session:
        collection = await find_collection(session, owner, name)
        query = select(CollectionUser).where(CollectionUser.collection_id == collection.id)
        if after is not None:
            query = query.where(CollectionUser.user_id > after)
        rows = await session.scalars(query.order_by(CollectionUser.user_id).limit(limit))
        return tuple(user_record(row) for row in rows)


def user_record(row: CollectionUser, *, face_ids: Sequence[str] = ()) -> UserRecord:
    """Shape a user."""
    status: UserStatus = "ACTIVE" if row.face_count else "CREATED"
    return UserRecord(user_id=row.user_id, status=status, face_ids=tuple(face_ids), face_count=row.face_count)


async def audit(
    session: AsyncSession,
    collection: CollectionRow,
    actor: Actor,
    action: str,
    detail: Mapping[str, Any],
    context: Context,
) -> None:
    """Write down what was done to a collection."""
    await record(
        session,
        owner=collection.owner,
        actor=actor,
        action=action,
        subject=collection.name,
        detail=detail,
        now=context.clock.now(),
    )
