"""Changing the model of a collection without asking anybody for a picture again.

`start` has a loop (`remodel_loop.py`) embed every face with the other model, from the stored photo or the aligned chip.
Vectors of both models then lie side by side: `compare` (`remodel_compare.py`) asks both the same, `switch` and
`switch` back choose which one searches compare, and `finish` gives the way back up. Faces that cannot follow are listed
and stay searchable by the vector that they have.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, cast

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.access.audit import Actor, record
from fotofila.core.capability import Context
from fotofila.core.errors import ConflictError, InvalidInputError, NotFoundError
from fotofila.faces.collections.change import next_revision
from fotofila.faces.collections.models import CollectionFace, CollectionRow, FaceVector, UserVector
from fotofila.faces.collections.remodel_models import LeftBehind, Remodel
from fotofila.faces.collections.similarity import curve_of
from fotofila.faces.collections.store import demand_vectors, find_collection, vector_engine
from fotofila.faces.collections.types import is_kept_by_engine

SETTLES = timedelta(minutes=5)
"""After a switch: searches and uploads that began before it are over by then, for each has a shorter deadline."""

DROPPED = "dropped"
"""The reason of a face that was left behind, and whose old vector is given up as well; told to nobody."""
TOLD = 1000
"""Ids of such faces in the audit log."""

RemodelState = Literal["embedding", "ready", "switched", "finishing"]
Reason = Literal["no_source", "photo_gone", "face_not_found", "chip_unreadable"]


class NoRemodelError(NotFoundError):
    """The collection is not between two models."""

    code = "no_model_change"
    title = "No change of model is under way"


class RemodelStateError(ConflictError):
    """The change is not as far as that."""

    code = "model_change_state"
    title = "The change of model is not as far as that"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemodelInfo:
    """How far the change of a collection's model is."""

    collection: str
    model: str
    """The one that searches compare now."""
    from_model: str
    to_model: str
    state: RemodelState
    """`embedding`: faces are left to embed; `ready`: none is; `switched`: and searches compare the new model;
    `finishing`: the way back was given up, old vectors are being removed."""
    faces: int
    embedded: int
    """With a vector of `to_model`."""
    left_behind: int
    """That cannot follow to `to_model`; see `list_left_behind`."""
    progress: float
    """0-1."""
    started_at: datetime
    switched_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftBehindFace:
    """A face that cannot follow, and why."""

    face_id: str
    external_image_id: str | None
    model: str
    """The model that it cannot be embedded with."""
    reason: Reason


async def start(context: Context, owner: str, name: str, model: str, *, actor: Actor) -> RemodelInfo:
    """Begin to embed the faces of a collection with another model; searches go on as they are.

    Raises:
        CollectionNotFoundError: there is none of this name.
        InvalidInputError: there is no such model here, or it is the collection's own.
        NoVectorsError, OtherEngineError: the collection's vectors are, or would be, with an engine that keeps them.
        RemodelStateError: a change is under way already.
    """
    models = vector_engine(context).models
    if model not in models:
        raise InvalidInputError(
            f"There is no model {model!r} here, only {', '.join(models)}: see `fotofila models fetch --pack`."
        )
    curve_of(model)
    now = context.clock.now()

    async def work(session: AsyncSession) -> RemodelInfo:
        collection = await find_collection(session, owner, name, hold=True)
        demand_vectors(collection)
        if collection.model == model:
            raise InvalidInputError(f"The collection {name!r} has the model {model!r} already.")
        if await session.get(Remodel, collection.id) is not None:
            raise RemodelStateError(
                f"The collection {name!r} is between two models: finish or abandon that change first, and delete the "
                "faces that it left behind."
            )
        row = Remodel(
            collection_id=collection.id,
            from_model=collection.model,
            to_model=model,
            switched_at=None,
            finished=False,
            settled_revision=-1,
            started_at=now,
        )
        session.add(row)
        await session.flush()
        detail = {"what": "start", "from": collection.model, "to": model}
        await tell(session, collection, actor, "collection.remodel", detail, now)
        return await info_of(session, collection, row)

    return await context.db.transact(work)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What a collection's model can be changed to."""

    model: str
    """The one that searches compare now."""
    choices: tuple[str, ...]
    """The others that vectors can be made with here: fetched, and their licence accepted."""


async def list_choices(context: Context, owner: str, name: str) -> Choices:
    """Return the models that a change can be started to; of one that an engine keeps, there are none.

    Raises:
        CollectionNotFoundError: there is none of this name.
        NoVectorsError: the engine makes no vectors.
    """
    async with context.db.read() as session:
        model = (await find_collection(session, owner, name)).model
    if is_kept_by_engine(model):
        return Choices(model=model, choices=())
    models = vector_engine(context).models
    return Choices(model=model, choices=tuple(each for each in models if each != model))


async def describe(context: Context, owner: str, name: str) -> RemodelInfo:
    """Say how far it is.

    Raises:
        CollectionNotFoundError, NoRemodelError: there is none of this name, or no change under way.
    """
    async with context.db.read() as session:
        collection = await find_collection(session, owner, name)
        return await info_of(session, collection, await find_remodel(session, collection))


async def changing_among(context: Context, ids: Collection[str]) -> frozenset[str]:
    """Return those of the collections that are between two models."""
    async with context.db.read() as session:
        found = await session.scalars(select(Remodel.collection_id).where(Remodel.collection_id.in_(ids)))
        return frozenset(found)


async def list_left_behind(
    context: Context, owner: str, name: str, *, limit: int, after: str | None = None
) -> tuple[LeftBehindFace, ...]:
    """Return the faces that cannot follow to the model that is wanted, by id; `after` is the last one seen.

    Raises:
        CollectionNotFoundError, NoRemodelError: there is none of this name, or no change under way.
    """
    async with context.db.read() as session:
        collection = await find_collection(session, owner, name)
        row = await find_remodel(session, collection)
        told = select(LeftBehind.face_id, CollectionFace.external_image_id, LeftBehind.model, LeftBehind.reason)
        query = left(told.join(CollectionFace, CollectionFace.id == LeftBehind.face_id), collection, row)
        if after is not None:
            query = query.where(LeftBehind.face_id > after)
        found = await session.execute(query.order_by(LeftBehind.face_id).limit(limit))
        return tuple(
            LeftBehindFace(face_id=face_id, external_image_id=external, model=model, reason=cast("Reason", reason))
            for face_id, external, model, reason in found
        )


async def switch(context: Context, owner: str, name: str, *, actor: Actor, anyway: bool = False) -> RemodelInfo:
    """Let searches compare the new model. Nobody is missed: who has no vector of it is found by the old one.

    Raises:
        CollectionNotFoundError, NoRemodelError: there is none of this name, or no change under way.
        RemodelStateError: faces are left to embed, and not `anyway`; or it was switched already.
    """
    return await turn(context, owner, name, actor=actor, back=False, anyway=anyway)


async def roll_back(context: Context, owner: str, name: str, *, actor: Actor) -> RemodelInfo:
    """Let searches compare the old model again; faces that came meanwhile are embedded with it, too.

    Raises:
        CollectionNotFoundError, NoRemodelError: there is none of this name, or no change under way.
        RemodelStateError: it was not switched, or the way back was given up.
    """
    return await turn(context, owner, name, actor=actor, back=True, anyway=True)


async def turn(context: Context, owner: str, name: str, *, actor: Actor, back: bool, anyway: bool) -> RemodelInfo:
    """Change which of the two models searches compare."""
    now = context.clock.now()

    async def work(session: AsyncSession) -> RemodelInfo:
        collection = await find_collection(session, owner, name, hold=True)
        row = await find_remodel(session, collection)
        target = row.from_model if back else row.to_model
        if row.finished:
            raise RemodelStateError("The change was finished, and the way back given up: start another one.")
        if collection.model == target:
            raise RemodelStateError(f"Searches of the collection {name!r} compare {target!r} already.")
        info = await info_of(session, collection, row)
        if info.progress < 1 and not anyway:
            raise RemodelStateError(
                f"{info.faces - info.embedded - info.left_behind} of {info.faces} faces are left to embed: wait for "
                "it, or switch anyway; they are found by the old model until then."
            )
        detail = {"from": collection.model, "to": target, "embedded": info.embedded, "faces": info.faces}
        collection.model = target
        row.switched_at, row.settled_revision = now, -1
        next_revision(collection)
        await tell(session, collection, actor, "collection.switch", detail, now)
        return await info_of(session, collection, row)

    return await context.db.transact(work)


async def finish(context: Context, owner: str, name: str, *, actor: Actor, drop: int | None = None) -> RemodelInfo:
    """Give the way back up: the loop removes the vectors of the other model, but for faces that have no other.

    These stay searchable, and the change goes on until the last of them is deleted or indexed again; unless `drop` is
    their number. Then they lose the vector that they have: they stay in the collection, and no search finds them.

    Raises:
        CollectionNotFoundError, NoRemodelError: there is none of this name, or no change under way.
        RemodelStateError: it was not switched, or only just; searches may be under way that compare the other model.
            Or faces are left to embed, or `drop` is not the number of those that are left behind.
    """
    now = context.clock.now()

    async def work(session: AsyncSession) -> RemodelInfo:
        collection = await find_collection(session, owner, name, hold=True)
        row = await find_remodel(session, collection)
        if row.switched_at is None:
            raise RemodelStateError("Switch first: until then, `abandon` ends the change.")
        if now < (settled := row.switched_at + SETTLES):
            raise RemodelStateError(
                f"Searches that began before the switch may be under way: finish after {settled:%Y-%m-%d %H:%M:%S} UTC."
            )
        row.finished, row.settled_revision = True, -1
        dropped = {} if drop is None else await drop_left_behind(session, collection, row, drop)
        detail = {"what": "finish", "model": collection.model, **dropped}
        await tell(session, collection, actor, "collection.remodel", detail, now)
        return await info_of(session, collection, row)

    return await context.db.transact(work)


async def drop_left_behind(session: AsyncSession, collection: CollectionRow, row: Remodel, drop: int) -> dict[str, Any]:
    """Have the loop remove the last vectors of the faces that are left behind; return what the audit log tells.

    Raises:
        RemodelStateError: they are not so many, or there may be more of them.
    """
    if await left_to_embed(session, collection):
        raise RemodelStateError("Faces are left to embed, of which more may be left behind: wait for it.")
    ids = (await session.scalars(left(select(LeftBehind.face_id), collection, row).order_by(LeftBehind.face_id))).all()
    if len(ids) != drop:
        raise RemodelStateError(
            f"{len(ids)} faces would not be found any more, not {drop}: list them (`left-behind`), and say how many."
        )
    mine = LeftBehind.collection_id == collection.id, LeftBehind.model == collection.model
    await session.execute(update(LeftBehind).where(*mine).values(reason=DROPPED))
    return {"dropped": len(ids), "faces": ids[:TOLD]}


async def abandon(context: Context, owner: str, name: str, *, actor: Actor) -> None:
    """End a change that was never switched: the new vectors are removed.

    Raises:
        CollectionNotFoundError, NoRemodelError: there is none of this name, or no change under way.
        RemodelStateError: it was switched: roll back and finish.
    """
    now = context.clock.now()

    async def work(session: AsyncSession) -> None:
        collection = await find_collection(session, owner, name, hold=True)
        row = await find_remodel(session, collection)
        if row.switched_at is not None:
            raise RemodelStateError("It was switched already, so faces may have the new vector alone: finish it.")
        for table in (FaceVector, UserVector):
            mine = table.collection_id == collection.id, table.model == row.to_model
            await session.execute(delete(table).where(*mine))
        await session.execute(delete(LeftBehind).where(LeftBehind.collection_id == collection.id))
        await session.delete(row)
        detail = {"what": "abandon", "from": row.from_model, "to": row.to_model}
        await tell(session, collection, actor, "collection.remodel", detail, now)

    await context.db.transact(work)


async def find_remodel(session: AsyncSession, collection: CollectionRow) -> Remodel:
    """Return the change of a collection.

    Raises:
        NoRemodelError: none is under way.
    """
    row = await session.get(Remodel, collection.id)
    if row is None:
        raise NoRemodelError(f"The collection {collection.name!r} is not between two models: start a change first.")
    return row


def left(query: Any, collection: CollectionRow, row: Remodel) -> Any:
    """Narrow a query to faces that have no vector of the model that is wanted, and will have none."""
    wanted = row.to_model if row.switched_at is None else collection.model
    has_vector = exists().where(FaceVector.face_id == LeftBehind.face_id, FaceVector.model == wanted)
    mine = LeftBehind.collection_id == collection.id, LeftBehind.model == wanted, LeftBehind.reason != DROPPED
    return query.where(*mine, ~has_vector)


async def left_to_embed(session: AsyncSession, collection: CollectionRow) -> bool:
    """Say whether there are faces without a vector of the collection's model that may be given one."""
    has_vector = exists().where(FaceVector.face_id == CollectionFace.id, FaceVector.model == collection.model)
    given_up = exists().where(LeftBehind.face_id == CollectionFace.id, LeftBehind.model == collection.model)
    query = select(CollectionFace.id).where(CollectionFace.collection_id == collection.id, ~has_vector, ~given_up)
    return await session.scalar(query.limit(1)) is not None


async def info_of(session: AsyncSession, collection: CollectionRow, row: Remodel) -> RemodelInfo:
    """Count how far it is."""
    await session.flush()
    mine = FaceVector.collection_id == collection.id, FaceVector.model == row.to_model
    embedded = await session.scalar(select(func.count()).select_from(FaceVector).where(*mine)) or 0
    has_vector = exists().where(FaceVector.face_id == LeftBehind.face_id, FaceVector.model == row.to_model)
    query = select(func.count()).select_from(LeftBehind)
    mine = LeftBehind.collection_id == collection.id, LeftBehind.model == row.to_model
    left_behind = await session.scalar(query.where(*mine, ~has_vector)) or 0
    done = embedded + left_behind >= collection.face_count
    state: RemodelState = "ready" if done else "embedding"
    if collection.model == row.to_model:
        state = "switched"
    if row.finished:
        state = "finishing"
    return RemodelInfo(
        collection=collection.name,
        model=collection.model,
        from_model=row.from_model,
        to_model=row.to_model,
        state=state,
        faces=collection.face_count,
        embedded=embedded,
        left_behind=left_behind,
        progress=1.0 if done else (embedded + left_behind) / collection.face_count,
        started_at=row.started_at,
        switched_at=row.switched_at,
    )


async def tell(
    session: AsyncSession,
    collection: CollectionRow,
    actor: Actor,
    action: str,
    detail: Mapping[str, Any],
    now: datetime,
) -> None:
    """Write it to the audit log."""
    await record(
        session, owner=collection.owner, actor=actor, action=action, subject=collection.name, detail=detail, now=now
    )
