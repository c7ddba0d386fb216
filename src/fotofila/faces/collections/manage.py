"""Making, describing, changing and deleting collections."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, cast

from sqlalchemy import CursorResult, delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.access.audit import Actor, record
from fotofila.core.capability import Context
from fotofila.core.db import insert_ignore
from fotofila.core.errors import InvalidInputError
from fotofila.core.ids import new_id
from fotofila.faces.collections.care_tomb import bury, clear
from fotofila.faces.collections.choose import search_of
from fotofila.faces.collections.errors import CollectionExistsError
from fotofila.faces.collections.expiry import set_expiry
from fotofila.faces.collections.kept.erase import clear_collection
from fotofila.faces.collections.kept.gone import Gone, once_gone
from fotofila.faces.collections.models import CollectionFace, CollectionRow, FaceChip
from fotofila.faces.collections.store import demand_vectors, find_collection, info_of, vector_engine
from fotofila.faces.collections.types import CollectionInfo

NAME = re.compile(r"[A-Za-z0-9_.\-]{1,255}")
CHANGEABLE = frozenset({"keep_chips", "ttl_days", "consent_note", "switched_on"})


async def create_collection(
    context: Context,
    owner: str,
    name: str,
    *,
    actor: Actor,
    tags: Mapping[str, str] | None = None,
    keep_chips: bool = True,
    ttl_days: int | None = None,
    consent_note: str | None = None,
    switched_on: bool = True,
) -> CollectionInfo:
    """Make a collection, which searches the vectors of the engine's model of this day.

    An engine that keeps collections makes it at its own place first, by `kept.manage.create_collection`.

    Args:
        context: the parts of the process.
        owner: id of the workspace.
        name: 1 to 255 of letters, digits, `_`, `.` and `-`; unique in the workspace.
        actor: who asks.
        tags: names and values for the client's own use.
        keep_chips: see `CollectionInfo`.
        ttl_days: days after which a face is erased.
        consent_note: what people agreed to.
        switched_on: recognise faces here although the workspace's switch is off; that is written to the audit log.

    Raises:
        CollectionExistsError: there is one of this name.
        InvalidInputError: the name is not of that form.
    """
    check_name(name)
    return await add_collection(
        context,
        owner,
        name,
        model=vector_engine(context).model,
        actor=actor,
        tags=tags,
        keep_chips=keep_chips,
        ttl_days=ttl_days,
        consent_note=consent_note,
        switched_on=switched_on,
    )


def check_name(name: str) -> None:
    """Refuse a name that is none.

    Raises:
        InvalidInputError: it is not of that form.
    """
    if not NAME.fullmatch(name):
        raise InvalidInputError("A collection's name is 1 to 255 letters, digits, underscores, dots and hyphens.")


async def add_collection(
    context: Context,
    owner: str,
    name: str,
    *,
    model: str,
    actor: Actor,
    tags: Mapping[str, str] | None,
    keep_chips: bool,
    ttl_days: int | None,
    consent_note: str | None,
    switched_on: bool,
) -> CollectionInfo:
    """Write a collection down; the arguments are those of `create_collection`, and its model.

    Raises:
        CollectionExistsError: there is one of this name.
    """
    now = context.clock.now()
    values: dict[str, Any] = {
        "id": new_id(),
        "owner": owner,
        "name": name,
        "model": model,
        "tags": dict(tags or {}),
        "keep_chips": keep_chips,
        "switched_on": switched_on,
        "ttl_days": ttl_days,
        "consent_note": consent_note,
        "revision": 0,
        "removals_from": 0,
        "face_count": 0,
        "user_count": 0,
        "created_at": now,
    }

    async def work(session: AsyncSession) -> CollectionInfo:
        made = cast("CursorResult[Any]", await session.execute(insert_ignore(session, CollectionRow).values(values)))
        if not made.rowcount:
            raise CollectionExistsError(f"There is a collection {name!r} already: take another name, or use it.")
        detail = {"id": values["id"], "model": values["model"], "consent_note": consent_note, "ttl_days": ttl_days}
        await record(
            session, owner=owner, actor=actor, action="collection.create", subject=name, detail=detail, now=now
        )
        if switched_on:
            switch = {"id": values["id"], "switched_on": True}
            await record(
                session, owner=owner, actor=actor, action="collection.switch", subject=name, detail=switch, now=now
            )
        return info_of(await find_collection(session, owner, name))

    return await context.db.transact(work)


async def describe_collection(context: Context, owner: str, name: str) -> CollectionInfo:
    """Return a collection.

    Raises:
        CollectionNotFoundError: there is none of this name.
    """
    async with context.db.read() as session:
        return info_of(await find_collection(session, owner, name))


async def list_collections(
    context: Context, owner: str, *, limit: int, after: str | None = None
) -> tuple[CollectionInfo, ...]:
    """Return collections by name; `after` is the name of the last one seen."""
    query = select(CollectionRow).where(CollectionRow.owner == owner).order_by(CollectionRow.name).limit(limit)
    if after is not None:
        query = query.where(CollectionRow.name > after)
    async with context.db.read() as session:
        return tuple(info_of(row) for row in await session.scalars(query))


async def update_collection(
    context: Context, owner: str, name: str, changes: Mapping[str, Any], *, actor: Actor
) -> CollectionInfo:
    """Set `keep_chips`, `ttl_days`, `consent_note` or `switched_on`, those that are in `changes`.

    A time to live counts from the day that a face was indexed, also for the faces that are there. Chips that are there
    are erased when `keep_chips` is switched off.

    Raises:
        CollectionNotFoundError: there is none of this name.
    """
    if unknown := changes.keys() - CHANGEABLE:
        raise InvalidInputError(f"{', '.join(sorted(unknown))} cannot be changed.")
    now = context.clock.now()

    async def work(session: AsyncSession) -> CollectionInfo:
        row = await find_collection(session, owner, name, hold=True)
        if changes.get("keep_chips"):
            demand_vectors(row)  # chips are what other vectors are made of
        changed = {key: value for key, value in changes.items() if getattr(row, key) != value}
        for key, value in changed.items():
            setattr(row, key, value)
        if "ttl_days" in changed:
            await set_expiry(session, row)
        if changed.get("keep_chips") is False:
            mine = select(CollectionFace.id).where(CollectionFace.collection_id == row.id)
            await session.execute(delete(FaceChip).where(FaceChip.face_id.in_(mine)))
        action = "collection.switch" if "switched_on" in changed else "collection.update"
        if changed:
            await record(session, owner=owner, actor=actor, action=action, subject=name, detail=changed, now=now)
        return info_of(row)

    return await context.db.transact(work)


async def tag_collection(
    context: Context, owner: str, name: str, tags: Mapping[str, str], *, actor: Actor
) -> CollectionInfo:
    """Add tags, or give them other values."""
    return await _retag(context, owner, name, actor=actor, put=tags, drop=())


async def untag_collection(
    context: Context, owner: str, name: str, keys: Collection[str], *, actor: Actor
) -> CollectionInfo:
    """Take tags away; those that are not there are ignored."""
    return await _retag(context, owner, name, actor=actor, put={}, drop=keys)


async def _retag(
    context: Context, owner: str, name: str, *, actor: Actor, put: Mapping[str, str], drop: Collection[str]
) -> CollectionInfo:
    now = context.clock.now()

    async def work(session: AsyncSession) -> CollectionInfo:
        row = await find_collection(session, owner, name, hold=True)
        row.tags = {key: value for key, value in {**row.tags, **put}.items() if key not in drop}
        detail = {"put": dict(put), "dropped": sorted(drop)}
        await record(session, owner=owner, actor=actor, action="collection.tag", subject=name, detail=detail, now=now)
        return info_of(row)

    return await context.db.transact(work)


async def delete_collection(context: Context, owner: str, name: str, *, actor: Actor) -> CollectionInfo:
    """Delete a collection with everything in it, and return what it was.

    Nobody finds it from then on; what is left of a very large one is deleted in the background.

    Raises:
        CollectionNotFoundError: there is none of this name.
        OtherEngineError: its faces are at another engine.
    """
    now = context.clock.now()

    async def work(session: AsyncSession, gone: Gone) -> CollectionInfo:
        row = await find_collection(session, owner, name, hold=True)
        gone.demand_whole(row)
        info = info_of(row)
        await bury(session, row)
        detail = {"id": info.id, "faces": info.face_count, "users": info.user_count}
        await record(
            session, owner=owner, actor=actor, action="collection.delete", subject=name, detail=detail, now=now
        )
        return info

    info = await once_gone(context, lambda: clear_collection(context, owner, name), work)
    search_of(context).forget(info.id)
    await clear(context, [info.id])
    return info
