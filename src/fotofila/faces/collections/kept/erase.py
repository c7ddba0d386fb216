"""Deleting faces where they are kept. What the callers erase of our own rows comes after, by `gone.once_gone`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace

from sqlalchemy import select

from fotofila.core.capability import Context
from fotofila.core.errors import NotFoundError
from fotofila.core.ids import is_id
from fotofila.core.observability.logs import get_logger
from fotofila.faces.collections.care_remove import Person, fits
from fotofila.faces.collections.errors import OtherEngineError
from fotofila.faces.collections.kept.gone import Gone
from fotofila.faces.collections.kept.keeper import Keeper, keeper_of
from fotofila.faces.collections.models import CollectionFace, CollectionRow
from fotofila.faces.collections.store import faces_by_id, find_collection
from fotofila.faces.collections.types import is_kept_by_engine

log = get_logger(__name__)

ABSENT = "collections.not_at_engine"
"""It was deleted there, or the prefix, the key or the region is not that of the day when it was made."""


async def clear_collection(context: Context, owner: str, name: str) -> Gone:
    """Delete a collection there, where it is kept there.

    Raises:
        CollectionNotFoundError: there is none of this name.
        OtherEngineError: it is kept by an engine that is not that of this process.
    """
    async with context.db.read() as session:
        row = await find_collection(session, owner, name)
    return await clear_whole(context, [row])


async def clear_everything(context: Context, owner: str) -> Gone:
    """Delete every collection of a workspace that is kept there.

    Raises:
        OtherEngineError: one is kept by an engine that is not that of this process.
    """
    return await clear_whole(context, await kept_rows(context, owner))


async def clear_whole(context: Context, rows: Sequence[CollectionRow]) -> Gone:
    """Delete collections there, those that are kept there; one that is not there any more is gone, too."""
    kept = [(row, keeper_of(context, row)) for row in rows if is_kept_by_engine(row.model)]
    absent: set[str] = set()
    for row, keeper in kept:
        try:
            await keeper.engine.delete_collection(keeper.full)
        except NotFoundError:
            absent.add(row.id)
            log.warning(ABSENT, collection=keeper.full)
    return Gone(
        whole=frozenset(row.id for row, _ in kept),
        names={row.id: keeper.full for row, keeper in kept},
        absent=frozenset(absent),
    )


async def clear_faces(
    context: Context, owner: str, name: str, face_ids: Collection[str], *, keep_associated: bool
) -> Gone:
    """Delete faces of a collection there, where it is kept there; those of users only where they are not kept.

    Raises:
        CollectionNotFoundError: there is none of this name.
        OtherEngineError: it is kept by an engine that is not that of this process.
    """
    async with context.db.read() as session:
        row = await find_collection(session, owner, name)
        if not is_kept_by_engine(row.model):
            return Gone()
        rows = await faces_by_id(session, row.id, face_ids)
    ids = [face.id for face in rows.values() if not (keep_associated and face.user_id is not None)]
    return await clear_ids(context, row, ids)


async def clear_ids(context: Context, row: CollectionRow, face_ids: Sequence[str]) -> Gone:
    """Delete faces there, which may be gone already, or with their whole collection.

    Raises:
        OtherEngineError: the collection is kept by an engine that is not that of this process.
    """
    keeper = keeper_of(context, row)
    gone = Gone(faces={row.id: frozenset(face_ids)}, names={row.id: keeper.full})
    if not face_ids:
        return gone
    try:
        deleted = await keeper.engine.delete_faces(keeper.full, face_ids)
    except NotFoundError:
        log.warning(ABSENT, collection=keeper.full)
        return replace(gone, absent=frozenset({row.id}))
    return replace(gone, deleted={row.id: len(deleted)})


async def clear_person(context: Context, owner: str, person: Person) -> Gone:
    """Delete a person's faces in every collection that is kept there.

    Faces that a program left there without a row of ours, since it died, are found by their external id and by their
    own, and deleted as well.

    Raises:
        OtherEngineError: faces are kept by an engine that is not that of this process.
    """
    every = Gone()
    for row in await kept_rows(context, owner):
        mine = await faces_of(context, row, person)
        try:
            keeper = keeper_of(context, row)
        except OtherEngineError:
            if mine:
                raise
            continue
        gone = await clear_ids(context, row, sorted(mine | await left_there(keeper, person)))
        every = every.and_of(gone)
    return every


async def faces_of(context: Context, row: CollectionRow, person: Person) -> set[str]:
    """Return the faces of a person that a collection has by our rows."""
    async with context.db.read() as session:
        query = select(CollectionFace.id).where(CollectionFace.collection_id == row.id, fits(person))
        return set(await session.scalars(query))


async def left_there(keeper: Keeper, person: Person) -> set[str]:
    """Return the faces that the engine has of an external id, whether or not we know them; it must list all it has."""
    named = {face_id for face_id in person.face_ids if is_id(face_id)}
    if person.external_image_id is None:
        return named
    with suppress(NotFoundError):
        there = await keeper.engine.list_faces(keeper.full)
        named |= {each.face_id for each in there if each.external_image_id == person.external_image_id}
    return named


async def kept_rows(context: Context, owner: str) -> Sequence[CollectionRow]:
    """Return the collections of a workspace that are kept by an engine."""
    query = select(CollectionRow).where(CollectionRow.owner == owner).order_by(CollectionRow.id)
    async with context.db.read() as session:
        return [row for row in await session.scalars(query) if is_kept_by_engine(row.model)]
