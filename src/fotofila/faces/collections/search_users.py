"""Searching users: by a face of the collection, by another user, by an image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.access.audit import Actor
from fotofila.core.capability import Context
from fotofila.core.errors import InvalidInputError
from fotofila.faces.collections.both_models import Query, near, query_of_face, query_of_faces, query_of_user
from fotofila.faces.collections.change import find_user
from fotofila.faces.collections.models import CollectionRow, CollectionUser
from fotofila.faces.collections.quality_filter import largest
from fotofila.faces.collections.search import LIMIT, THRESHOLD, Scored, check_bounds, open_and_find, scored
from fotofila.faces.collections.store import open_collection
from fotofila.faces.collections.types import QualityFilter, SearchedUsers, UserMatch
from fotofila.faces.collections.users import audit, user_record


async def search_users(
    context: Context,
    owner: str,
    name: str,
    *,
    actor: Actor,
    face_id: str | None = None,
    user_id: str | None = None,
    threshold: float = THRESHOLD,
    limit: int = LIMIT,
) -> SearchedUsers:
    """Return the users that are like a face of the collection, or like another user; one of the two is given.

    A user without faces is like nobody.

    Raises:
        CollectionNotFoundError, FaceNotFoundError, UserNotFoundError: there is none of this name.
        InvalidInputError: both are given, or neither.
        RecognitionOffError: neither the workspace nor the collection recognises faces.
    """
    check_bounds(threshold, limit)
    check_asked(face_id, user_id)
    itself: str | None = None
    async with context.db.read() as session:
        collection = await open_collection(session, owner, name)
        if face_id is not None:
            query = await query_of_face(session, collection, face_id)
        else:
            user = await find_user(session, collection, user_id or "")
            itself, query = user.id, await query_of_user(session, collection, user)
    found = await near_users(context, collection, query, threshold=threshold, limit=limit + 1)
    others = [each for each in found if each[0] != itself][:limit]
    detail = {"face_id": face_id, "user_id": user_id, "threshold": threshold}
    matches = await tell_users(context, collection, others, actor=actor, detail=detail)
    return SearchedUsers(matches=matches, model=collection.model)


async def search_users_by_image(
    context: Context,
    owner: str,
    name: str,
    image: bytes,
    *,
    actor: Actor,
    threshold: float = THRESHOLD,
    limit: int = LIMIT,
    quality_filter: QualityFilter = "NONE",
) -> SearchedUsers:
    """Search users by the largest face of an image; an image without faces gives no users and no `face`.

    Raises:
        CollectionNotFoundError: there is none of this name.
        RecognitionOffError: neither the workspace nor the collection recognises faces.
    """
    check_bounds(threshold, limit)
    collection, other_model, found = await open_and_find(context, owner, name, image)
    chosen = largest(found, quality_filter=quality_filter)
    if not chosen.faces:
        return SearchedUsers(matches=(), left_out=chosen.left_out, model=collection.model)
    face = chosen.faces[0].face
    query = await query_of_faces(context, chosen.faces[:1], other_model)
    hits = await near_users(context, collection, query, threshold=threshold, limit=limit)
    matches = await tell_users(context, collection, hits, actor=actor, detail={"image": 1, "threshold": threshold})
    return SearchedUsers(matches=matches, face=face, left_out=chosen.left_out, model=collection.model)


def check_asked(face_id: str | None, user_id: str | None) -> None:
    """Refuse a search by both, or by neither.

    Raises:
        InvalidInputError: it is.
    """
    if (face_id is None) == (user_id is None):
        raise InvalidInputError("Give either a face_id or a user_id to search with.")


async def near_users(
    context: Context, collection: CollectionRow, query: Query, *, threshold: float, limit: int
) -> Sequence[Scored]:
    """Return the rows of users that are similar enough, nearest first; a user without faces is like nobody."""
    found = await near(context, collection, query, threshold=threshold, limit=limit, kind="user")
    return scored(collection.model, found)[0] if found else ()


async def tell_users(
    context: Context, collection: CollectionRow, found: Sequence[Scored], *, actor: Actor, detail: Mapping[str, Any]
) -> tuple[UserMatch, ...]:
    """Say who was found, by the ids of rows, and write the search to the audit log."""

    async def work(session: AsyncSession) -> tuple[UserMatch, ...]:
        query = select(CollectionUser).where(CollectionUser.id.in_([row_id for row_id, _ in found]))
        rows = {row.id: row for row in await session.scalars(query)}
        matches = tuple(
            UserMatch(user=user_record(rows[row_id]), similarity=likeness)
            for row_id, likeness in found
            if row_id in rows
        )
        best = [match.user.user_id for match in matches[:10]]
        whole = {**detail, "matches": len(matches), "best_users": best, "model": collection.model}
        await audit(session, collection, actor, "faces.search", whole, context)
        return matches

    return await context.db.transact(work)
