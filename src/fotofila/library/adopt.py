"""What capabilities write about a photo when a job of theirs is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.core.db.bare import Bare
from fotofila.core.db.bulk import Together
from fotofila.core.db.later import do_later
from fotofila.core.jobs import messages
from fotofila.core.jobs.keys import execution_prefix
from fotofila.core.jobs.models import Job, Tombstone
from fotofila.library.models import Photo, Rendition

Rows = list[dict[str, Any]]

RENDITIONS: Any = Rendition.__table__
INSERT_RENDITION = insert(RENDITIONS)
FORGET = (
    delete(RENDITIONS)
    .where(RENDITIONS.c.photo_id.in_(bindparam("photos", expanding=True)))
    .returning(RENDITIONS.c.photo_id, RENDITIONS.c.execution_id)
)
FORGET_BARE = "DELETE FROM renditions WHERE photo_id = ANY($1::text[]) RETURNING photo_id, execution_id"
BURY = {
    "sqlite": sqlite.insert(Tombstone.__table__).on_conflict_do_nothing(),  # type: ignore[arg-type]
    "postgresql": postgresql.insert(Tombstone.__table__).on_conflict_do_nothing(),  # type: ignore[arg-type]
}
BURY_BARE = """
INSERT INTO tombstones (prefix, reason, created_at) SELECT *, 'replaced', $2 FROM unnest($1::text[])
ON CONFLICT DO NOTHING
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

    async def write_bare(self, bare: Bare, together: Together, entries: Sequence[Adopted]) -> None:
        """Do it on PostgreSQL by its driver alone."""
        latest = {entry.photo_id: entry for entry in entries}
        gone = [(row[0], row[1]) for row in await bare.rows(FORGET_BARE, list(latest))]
        if prefixes := replaced(gone, entries, latest):
            await bare.rows(BURY_BARE, prefixes, entries[0].now)
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


def adopt_facts(photo: Photo, facts: Mapping[str, Any]) -> None:
    """Write down what the worker read from the file: upright size and EXIF.

    `facts` is `{"width", "height", "orientation", "taken_at", "camera": {"make", "model", "lens"},
    "gps": {"latitude", "longitude", "altitude"}, "exif": {…}}`; what is missing becomes None.
    """
    camera, gps = facts.get("camera") or {}, facts.get("gps") or {}
    photo.width, photo.height, photo.orientation = facts.get("width"), facts.get("height"), facts.get("orientation")
    photo.taken_at = facts.get("taken_at")
    photo.camera_make, photo.camera_model, photo.lens = camera.get("make"), camera.get("model"), camera.get("lens")
    photo.latitude, photo.longitude, photo.altitude = gps.get("latitude"), gps.get("longitude"), gps.get("altitude")
    photo.exif = facts.get("exif")
