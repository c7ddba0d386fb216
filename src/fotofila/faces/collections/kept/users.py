"""Users where faces are kept: who they are is in our rows, and they are as alike as the most alike of their faces.

An engine gives no vectors that a mean could be made of, so every face of a user is asked for by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.access.audit import Actor
from fotofila.core.capability import Context
from fotofila.core.errors import InvalidInputError
from fotofila.faces.collections.associate import ASSOCIATE_THRESHOLD, Likeness, admit, join, own_faces
from fotofila.faces.collections.change import find_user
from fotofila.faces.collections.errors import FaceNotFoundError, NoFaceError
from fotofila.faces.collections.kept.keeper import Keeper, demand_same, open_kept, saying_what_is_lost
from fotofila.faces.collections.kept.search import alike, scored
from fotofila.faces.collections.models import CollectionFace, CollectionRow, CollectionUser
from fotofila.faces.collections.search import LIMIT, MOST_MATCHES, THRESHOLD, Scored, check_bounds
from fotofila.faces.collections.search_users import check_asked, tell_users
from fotofila.faces.collections.store import IDS_AT_ONCE, faces_by_id, find_collection
from fotofila.faces.collections.types import Associated, QualityFilter, SearchedUsers, SeenFace
from fotofila.faces.engine.flows import together

FACES_ASKED = 16
"""Of a user who is searched for: the newest, each a request."""
MOST_JOINED = 100
"""Faces that are given to a user at once, each a request; AWS's own AssociateFaces takes as many."""
ITSELF = 100.0
"""How alike a face is to the user it belongs to."""


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
    """Return the users that have a face like one of the collection, or like another user's; see `search_users.py`."""
    check_bounds(threshold, limit)
    check_asked(face_id, user_id)
    row, keeper = await open_kept(context, owner, name)
    async with context.db.read() as session:
        mine, belongs_to = await faces_to_ask_for(session, row, face_id=face_id, user_id=user_id)
    similar = await likenesses(keeper, mine, threshold=threshold, lost_too=user_id is not None)
    found = [each for some in similar.values() for each in some.items()]
    if face_id is not None and belongs_to is not None:
        found.append((face_id, ITSELF))
    users = [each for each in await best_of(context, row, found) if user_id is None or each[0] != user_id]
    detail = {"face_id": face_id, "user_id": user_id, "threshold": threshold}
    return await tell(context, row, users[:limit], detail, actor=actor)


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
    """Search users by the largest face of an image; the engine does not say which faces it did not look at."""
    check_bounds(threshold, limit)
    row, keeper = await open_kept(context, owner, name)
    try:
        with saying_what_is_lost(keeper):
            found = await keeper.engine.search_faces_by_image(
                keeper.full, image, threshold=threshold, limit=MOST_MATCHES, quality_filter=quality_filter
            )
    except NoFaceError:
        return SearchedUsers(matches=(), model=row.model)
    users = await best_of(context, row, scored(found.matches))
    face = SeenFace(bounding_box=found.bounding_box, confidence=found.confidence)
    return await tell(context, row, users[:limit], {"image": 1, "threshold": threshold}, actor=actor, face=face)


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
    """Let faces belong to a user that has one as alike as `threshold`; see `associate.associate_faces`.

    The engine is asked for each face, unless it is the first of a user. Of those that are refused it does not say how
    alike they are.

    Raises:
        InvalidInputError: there are more than 100 faces, and so more than 100 requests.
    """
    if len(face_ids) > MOST_JOINED:
        raise InvalidInputError(f"Give at most {MOST_JOINED} faces at a time: AWS is asked about each of them.")
    row, keeper = await open_kept(context, owner, name)
    async with context.db.read() as session:
        await find_user(session, row, user_id)
        own = await own_faces(session, row, user_id)
        rows = await faces_by_id(session, row.id, face_ids)
    free = [each for each in dict.fromkeys(face_ids) if each in rows and rows[each].user_id is None]
    similar = await likenesses(keeper, free if own or len(free) > 1 else (), threshold=threshold)

    def likeness(face_id: str, known: Sequence[str]) -> Likeness:
        best = max((similar.get(face_id, {}).get(each, -1.0) for each in known), default=None)
        return best is None or best >= threshold, None if best is None or best < 0 else best

    async def work(session: AsyncSession) -> Associated:
        held = await find_collection(session, owner, name, hold=True)
        demand_same(held, row)
        await find_user(session, held, user_id)
        there = await faces_by_id(session, held.id, face_ids)
        known = await own_faces(session, held, user_id)
        taken, not_done = admit(there, user_id=user_id, own=known, wanted=face_ids, likeness=likeness)
        detail = {"user_id": user_id, "faces": taken, "not_done": len(not_done), "threshold": threshold}
        status = await join(context, session, held, [there[each] for each in taken], detail, actor=actor)
        return Associated(face_ids=tuple(taken), not_done=tuple(not_done), status=status)

    return await context.db.transact(work)


async def likenesses(
    keeper: Keeper, face_ids: Sequence[str], *, threshold: float, lost_too: bool = False
) -> Mapping[str, Mapping[str, float]]:
    """Return, for each face, the faces that are alike enough with their similarity.

    Raises:
        FaceNotFoundError: the engine has one no more; with `lost_too` it is like nobody, and no error.
    """

    async def ask(face_id: str) -> Mapping[str, float]:
        try:
            return dict(scored(await alike(keeper, face_id, threshold=threshold, limit=MOST_MATCHES)))
        except FaceNotFoundError:
            if not lost_too:
                raise
            return {}

    found = await together(ask(each) for each in face_ids)
    return dict(zip(face_ids, found, strict=True))


async def faces_to_ask_for(
    session: AsyncSession, row: CollectionRow, *, face_id: str | None, user_id: str | None
) -> tuple[Sequence[str], str | None]:
    """Return the faces that a search is made with, and the user of the face that was given.

    Raises:
        FaceNotFoundError, UserNotFoundError: there is none.
    """
    if face_id is not None:
        face = (await faces_by_id(session, row.id, [face_id])).get(face_id)
        if face is None:
            raise FaceNotFoundError(f"The collection {row.name!r} has no face {face_id!r}: list its faces to see them.")
        return [face.id], face.user_id
    await find_user(session, row, user_id or "")
    mine = CollectionFace.collection_id == row.id, CollectionFace.user_id == user_id
    newest = select(CollectionFace.id).where(*mine).order_by(CollectionFace.indexed_at.desc(), CollectionFace.id)
    return (await session.scalars(newest.limit(FACES_ASKED))).all(), None


async def best_of(context: Context, row: CollectionRow, found: Iterable[Scored]) -> list[Scored]:
    """Return users by their names with the similarity of the best of their faces, the most alike first."""
    scores: dict[str, float] = {}
    for face_id, likeness in found:
        scores[face_id] = max(likeness, scores.get(face_id, 0.0))
    best: dict[str, float] = {}
    ids = [*scores]
    async with context.db.read() as session:
        for at in range(0, len(ids), IDS_AT_ONCE):
            query = select(CollectionFace.id, CollectionFace.user_id).where(
                CollectionFace.collection_id == row.id, CollectionFace.id.in_(ids[at : at + IDS_AT_ONCE])
            )
            for face_id, user_id in await session.execute(query):
                if user_id is not None:
                    best[user_id] = max(scores[face_id], best.get(user_id, 0.0))
    return sorted(best.items(), key=lambda each: (-each[1], each[0]))


async def tell(
    context: Context,
    row: CollectionRow,
    users: Sequence[Scored],
    detail: Mapping[str, object],
    *,
    actor: Actor,
    face: SeenFace | None = None,
) -> SearchedUsers:
    """Say who was found, and write the search to the audit log."""
    query = select(CollectionUser.user_id, CollectionUser.id).where(
        CollectionUser.collection_id == row.id, CollectionUser.user_id.in_([user_id for user_id, _ in users])
    )
    async with context.db.read() as session:
        rows = {user_id: row_id for user_id, row_id in await session.execute(query)}  # noqa: C416 - rows are no pairs
    found = [(rows[user_id], likeness) for user_id, likeness in users if user_id in rows]
    matches = await tell_users(context, row, found, actor=actor, detail=detail)
    return SearchedUsers(matches=matches, face=face, model=row.model)
