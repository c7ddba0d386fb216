"""What capabilities write about a photo when a job of theirs is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.core.db.later import do_later
from fotofila.core.db.plain import Plain, Writes
from fotofila.core.jobs import messages
from fotofila.core.jobs.keys import execution_prefix
from fotofila.core.jobs.models import Job, Tombstone
from fotofila.library.models import Rendition

Rows = list[dict[str, Any]]

RENDITIONS: Any = Rendition.__table__
INSERT_RENDITION = insert(RENDITIONS)
FORGET = (
    delete(RENDITIONS)
    .where(RENDITIONS.c.photo_id.in_(bindparam("photos", expanding=True)))
    .returning(RENDITIONS.c.photo_id, RENDITIONS.c.execution_id)
)
FORGET_PLAINLY = "DELETE FROM renditions WHERE photo_id {among} RETURNING photo_id, execution_id"
BURY = {
    "sqlite": sqlite.insert(Tombstone.__table__).on_conflict_do_nothing(),  # type: ignore[arg-type]
    "postgresql": postgresql.insert(Tombstone.__table__).on_conflict_do_nothing(),  # type: ignore[arg-type]
}
BURY_PLAINLY = """
INSERT INTO tombstones (prefix, reason, created_at) VALUES ($1, 'replaced', $2) ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """An execution that won, and the files that it left for a photo."""

    owner: str
    photo_id: str
    execution_id: str
    files: Sequence[messages.Rendition]
    now: datetime


class Adoption:
    """Makes the files of executions the photos'; those of earlier executions are buried."""

    def write(self, connection: Connection, entries: Sequence[Adopted]) -> None:
        """Do it through SQLAlchemy."""
        latest = {entry.photo_id: entry for entry in entries}
        gone = [(row[0], row[1]) for row in connection.execute(FORGET, {"photos": list(latest)})]
        if prefixes := replaced(gone, entries, latest):
            now, bury = entries[0].now, BURY[connection.dialect.name]
            connection.execute(bury, [{"prefix": each, "reason": "replaced", "created_at": now} for each in prefixes])
        if rows := rows_of(latest):
            connection.execute(INSERT_RENDITION, rows)

    async def write_bare(self, plain: Plain, together: Writes, entries: Sequence[Adopted]) -> None:
        """Do it by the driver alone."""
        latest = {entry.photo_id: entry for entry in entries}
        found = await plain.rows(FORGET_PLAINLY.format(among=plain.among(1)), list(latest))
        for prefix in replaced([(row[0], row[1]) for row in found], entries, latest):
            await plain.rows(BURY_PLAINLY, prefix, entries[0].now)
        if rows := rows_of(latest):
            together.insert(INSERT_RENDITION, rows)


ADOPTION = Adoption()


def adopt_renditions(
    session: AsyncSession, job: Job, renditions: Sequence[messages.Rendition], *, now: datetime
) -> None:
    """Make the winning execution's files the photo's; those of an earlier one are buried. Written with the commit."""
    entry = Adopted(
        owner=job.owner,
        photo_id=job.photo_id or "",
        execution_id=job.execution_id or "",
        files=renditions,
        now=now,
    )
    do_later(session, ADOPTION, entry)


def replaced(gone: Sequence[tuple[str, str]], entries: Sequence[Adopted], latest: Mapping[str, Adopted]) -> list[str]:
    """Return the prefixes of executions whose files no photo has any more.

    They were forgotten now, or adopted and replaced in the same transaction.
    """
    owners = {photo_id: entry.owner for photo_id, entry in latest.items()}
    executions = {*gone, *((entry.photo_id, entry.execution_id) for entry in entries)}
    kept = {(entry.photo_id, entry.execution_id) for entry in latest.values()}
    return sorted(execution_prefix(owners[photo], photo, execution) for photo, execution in executions - kept)


def rows_of(latest: Mapping[str, Adopted]) -> Rows:
    """Return the rows of what was adopted; a photo's by name, so that two transactions cannot wait crosswise."""
    return [
        {"photo_id": photo_id, "execution_id": latest[photo_id].execution_id, **file.model_dump()}
        for photo_id in sorted(latest)
        for file in latest[photo_id].files
    ]
