"""Reading the vectors of a collection as they change, page by page, so that the event loop is never held for long."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.core.db import Database
from fotofila.faces.collections.models import CollectionRow, FaceVector, Removal, UserVector
from fotofila.faces.collections.search_port import Space

PAGE = 4096
"""Rows: about 10 ms."""

CURRENT = "SELECT 1 FROM collections WHERE id = :id AND revision = :revision"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """How far a collection is."""

    revision: int
    removals_from: int
    rows: int
    """About as many vectors as there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Vectors that were written, oldest first."""

    ids: list[str]
    revisions: list[int]
    raw: list[bytes]

    @property
    def written(self) -> Iterable[tuple[str, int]]:
        """Each id with its revision."""
        return zip(self.ids, self.revisions, strict=True)


async def is_current(db: Database, space: Space, revision: int) -> bool:
    """Say whether nothing has changed since a revision."""
    return await db.has_row(CURRENT, id=space.collection_id, revision=revision)


async def read_state(session: AsyncSession, space: Space) -> State | None:
    """Return how far a collection is; None where it is gone.

    Whoever changes a collection holds its row until the commit: so all that a revision stands for can be read by any
    statement after this one.
    """
    count = CollectionRow.face_count if space.kind == "face" else CollectionRow.user_count
    query = select(CollectionRow.revision, CollectionRow.removals_from, count)
    row = (await session.execute(query.where(CollectionRow.id == space.collection_id))).first()
    return None if row is None else State(revision=row[0], removals_from=row[1], rows=row[2])


async def read_written(session: AsyncSession, space: Space, *, since: int) -> AsyncIterator[Page]:
    """Give the vectors that were written after a revision."""
    table = FaceVector if space.kind == "face" else UserVector
    key = FaceVector.face_id if space.kind == "face" else UserVector.user_row_id
    query = (
        select(key, table.revision, table.vector)
        .where(table.collection_id == space.collection_id, table.model == space.model)
        .order_by(table.revision, key)
        .limit(PAGE)
    )
    after: tuple[int, str] = (since, "g")  # behind every id of that revision
    while True:
        later = query.where(tuple_(table.revision, key) > after)
        rows = (await session.execute(later)).all()
        if not rows:
            return
        ids, revisions, raw = (list(column) for column in zip(*rows, strict=True))
        yield Page(ids=ids, revisions=revisions, raw=raw)
        if len(rows) < PAGE:
            return
        after = (revisions[-1], ids[-1])


async def read_removed(session: AsyncSession, space: Space, *, since: int, until: int | None = None) -> dict[str, int]:
    """Return the ids that were removed after a revision, up to another, each with the newest revision of that."""
    query = select(Removal.id, Removal.revision).where(
        Removal.collection_id == space.collection_id, Removal.revision > since
    )
    if until is not None:
        query = query.where(Removal.revision <= until)
    rows = (await session.execute(query.order_by(Removal.revision))).all()
    return {row_id: revision for row_id, revision in rows}  # noqa: C416 - rows are no pairs to mypy
