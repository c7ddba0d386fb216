"""What an engine that keeps faces has said to be gone: nothing of ours is erased, nor told as erased, before that."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.core.capability import Context
from fotofila.core.errors import UnavailableError
from fotofila.faces.collections.models import CollectionRow
from fotofila.faces.collections.types import is_kept_by_engine

T = TypeVar("T")
TRIES = 5
"""Each but the first is for somebody who added faces while they were being erased."""


class StillThereError(UnavailableError):
    """The engine was not asked to delete what our tables have by now: it is asked again."""

    def __init__(self) -> None:
        super().__init__("Faces are being added while they are to be erased, so not all of them are: repeat it.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """What is gone at the engine, by the ids of our collections. Of those that are ours alone nothing need be."""

    whole: frozenset[str] = frozenset()
    """Collections that are gone with all that was in them."""
    faces: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Faces that are not there: those that were deleted, and those that had not been."""
    deleted: Mapping[str, int] = field(default_factory=dict)
    """How many of them were there; more than our rows where a program died between the engine's row and ours."""
    names: Mapping[str, str] = field(default_factory=dict)
    """What the collections are called there."""
    absent: frozenset[str] = frozenset()
    """Collections of which the engine knows nothing: deleted before, or not where the settings look for them."""

    def and_of(self, others: Gone) -> Gone:
        """Return the same, with the faces of other collections."""
        return replace(
            self,
            faces={**self.faces, **others.faces},
            deleted={**self.deleted, **others.deleted},
            names={**self.names, **others.names},
            absent=self.absent | others.absent,
        )

    def and_before(self, before: Gone) -> Gone:
        """Return the same, with what was there at a look before this one."""
        deleted = {
            each: before.deleted.get(each, 0) + self.deleted.get(each, 0) for each in {*before.deleted, *self.deleted}
        }
        was_there = before.names.keys() - before.absent
        return replace(self, deleted=deleted, absent=self.absent - was_there)

    def has(self, collection: CollectionRow, face_id: str) -> bool:
        """Say whether a face of a collection is gone there."""
        return collection.id in self.whole or face_id in self.faces.get(collection.id, ())

    def demand(self, collection: CollectionRow, face_ids: Collection[str]) -> None:
        """Go on only where the engine has none of these faces.

        Raises:
            StillThereError: it may have one.
        """
        if is_kept_by_engine(collection.model) and not all(self.has(collection, each) for each in face_ids):
            raise StillThereError

    def demand_whole(self, collection: CollectionRow) -> None:
        """Go on only where the engine has no such collection.

        Raises:
            StillThereError: it may have it.
        """
        if is_kept_by_engine(collection.model) and collection.id not in self.whole:
            raise StillThereError

    def told(self, collection: CollectionRow) -> dict[str, Any]:
        """Say for a receipt what was deleted at the engine; nothing of a collection of ours."""
        if not is_kept_by_engine(collection.model):
            return {}
        where = {"model": collection.model, "collection": self.names.get(collection.id)}
        what = {"whole": True} if collection.id in self.whole else {"faces": self.deleted.get(collection.id, 0)}
        absent = {"was_there": False} if collection.id in self.absent else {}
        return {"engine": {**where, **what, **absent}}


async def once_gone(
    context: Context, clear: Callable[[], Awaitable[Gone]], work: Callable[[AsyncSession, Gone], Awaitable[T]]
) -> T:
    """Delete at the engine, outside of any transaction, then with us: again where faces were added in between."""
    before = Gone()
    for attempt in range(1, TRIES + 1):
        gone = before = (await clear()).and_before(before)

        async def erase(session: AsyncSession, gone: Gone = gone) -> T:
            return await work(session, gone)

        try:
            return await context.db.transact(erase)
        except StillThereError:
            if attempt == TRIES:
                raise
    raise AssertionError
