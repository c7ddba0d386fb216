"""Making collections where they are kept: at the engine first, then our row.

A program that dies in between leaves an empty collection there, which the next try of the same name takes over.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select

from fotofila.access.audit import Actor
from fotofila.core.capability import Context
from fotofila.core.errors import ConflictError
from fotofila.faces.collections.errors import CollectionExistsError
from fotofila.faces.collections.kept.keeper import keeping_engine
from fotofila.faces.collections.manage import add_collection, check_name
from fotofila.faces.collections.models import CollectionRow
from fotofila.faces.collections.types import CollectionInfo
from fotofila.faces.engine.flows import KeepingEngine
from fotofila.faces.engine.names import aws_collection


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
    """Make a collection at the engine, which says its model; see `manage.create_collection`. There are no chips.

    Raises:
        CollectionExistsError: there is one of this name, with us or there.
        InvalidInputError: the name is not of that form, or too long with the workspace's id before it.
    """
    del keep_chips
    check_name(name)
    full = aws_collection(owner, name, prefix=context.settings.faces_aws_prefix)
    async with context.db.read() as session:
        mine = CollectionRow.owner == owner, CollectionRow.name == name
        if await session.scalar(select(CollectionRow.id).where(*mine)) is not None:
            raise CollectionExistsError(f"There is a collection {name!r} already: take another name, or use it.")
    engine = keeping_engine(context)
    assert engine is not None  # noqa: S101 - the desk has looked
    return await add_collection(
        context,
        owner,
        name,
        model=await make_there(engine, full),
        actor=actor,
        tags=tags,
        keep_chips=False,
        ttl_days=ttl_days,
        consent_note=consent_note,
        switched_on=switched_on,
    )


async def make_there(engine: KeepingEngine, full: str) -> str:
    """Make a collection at the engine, or take over an empty one; return its model.

    Raises:
        CollectionExistsError: there is one with faces that we know nothing of.
    """
    try:
        return await engine.create_collection(full)
    except ConflictError as error:
        there = await engine.describe_collection(full)
        if there.faces:
            raise CollectionExistsError(
                f"AWS has a collection {full!r} with {there.faces} faces that are not of this program: take another "
                "name, or delete it there (`aws rekognition delete-collection`)."
            ) from error
        return there.model
