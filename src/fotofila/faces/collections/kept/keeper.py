"""Whose collection it is: the engine that keeps it, and what it is called there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

from fotofila.core.capability import Context
from fotofila.core.errors import NotFoundError
from fotofila.faces.collections.errors import CollectionNotFoundError, FaceNotFoundError, OtherEngineError
from fotofila.faces.collections.models import CollectionRow
from fotofila.faces.collections.store import demand_vectors, find_switched_on
from fotofila.faces.collections.types import is_kept_by_engine
from fotofila.faces.engine.base import engine_of, keeps_collections
from fotofila.faces.engine.flows import KeepingEngine
from fotofila.faces.engine.names import aws_collection


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """A collection at the engine that keeps it."""

    engine: KeepingEngine
    full: str
    """Its name there."""
    name: str


def keeping_engine(context: Context) -> KeepingEngine | None:
    """Return the engine of this process where it keeps collections, and else None."""
    engine = engine_of(context)
    return cast("KeepingEngine", engine) if keeps_collections(engine) else None


def keeper_of(context: Context, row: CollectionRow) -> Keeper:
    """Return who keeps a collection.

    Raises:
        OtherEngineError: the engine of this process does not, but another, or our own tables do.
    """
    engine = keeping_engine(context)
    if engine is None:
        demand_vectors(row)
    if engine is None or not is_kept_by_engine(row.model):
        raise OtherEngineError(
            f"The vectors of the collection {row.name!r} are here ({row.model}), and AWS cannot search them: set "
            "FOTOFILA_FACES_ENGINE=local to use it, or make another collection and index the photos again."
        )
    full = aws_collection(row.owner, row.name, prefix=context.settings.faces_aws_prefix)
    return Keeper(engine=engine, full=full, name=row.name)


async def open_kept(context: Context, owner: str, name: str) -> tuple[CollectionRow, Keeper]:
    """Return a collection in which faces may be recognised, and who keeps it.

    Raises:
        CollectionNotFoundError: there is none of this name.
        OtherEngineError: the engine of this process does not keep it.
        RecognitionOffError: neither the workspace nor the collection recognises faces.
    """
    async with context.db.read() as session:
        row = await find_switched_on(session, owner, name)
    return row, keeper_of(context, row)


@contextmanager
def saying_what_is_lost(keeper: Keeper, face_id: str = "") -> Iterator[None]:
    """Tell what our rows know and AWS does not: somebody deleted it there, or a deletion is half done.

    Raises:
        CollectionNotFoundError, FaceNotFoundError: what it is.
    """
    try:
        yield
    except FaceNotFoundError as error:
        raise FaceNotFoundError(
            f"AWS has no face {face_id!r} of the collection {keeper.name!r} any more: delete it here, too."
        ) from error
    except NotFoundError as error:
        raise CollectionNotFoundError(
            f"AWS has no collection {keeper.full!r} any more: delete {keeper.name!r} here, too, and make it anew."
        ) from error


def demand_same(held: CollectionRow, row: CollectionRow) -> None:
    """Go on only with the collection that the engine was asked about.

    Raises:
        CollectionNotFoundError: it was deleted meanwhile, and another has its name.
    """
    if held.id != row.id:
        raise CollectionNotFoundError(f"The collection {row.name!r} was deleted and made anew meanwhile: repeat it.")
