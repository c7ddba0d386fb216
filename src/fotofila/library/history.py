"""The history of photos: filters and pages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, Field
from sqlalchemy import Select, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.api.paging import BadCursorError, make_cursor, read_cursor
from fotofila.core.jobs.models import Job
from fotofila.core.jobs.states import JobState
from fotofila.library.models import Photo


class HistoryFilter(BaseModel):
    """What to show of the history."""

    state: list[JobState] = Field(default=[], description="State of the photo's job; several may be given.")
    since: datetime | None = Field(None, alias="from", description="Taken in at or after this time.")
    until: datetime | None = Field(None, alias="to", description="Taken in before this time.")
    min_faces: int | None = Field(None, ge=0)
    max_faces: int | None = Field(None, ge=0)
    batch_id: str | None = Field(None, max_length=64)
    q: str | None = Field(None, max_length=200, description="Text in the file name or the camera.")
    checksum_sha256: list[Annotated[str, Field(pattern="^[0-9a-f]{64}$")]] = Field(
        default=[],
        max_length=200,
        description="SHA-256 of the original, in hex; several may be given, to ask which of them are here.",
    )


Filter = Annotated[HistoryFilter, Query()]
Row = tuple[Photo, Job]


def history_query(owner: str, wanted: HistoryFilter) -> Select[Photo, Job]:
    """Select photos with their jobs, newest first."""
    query = (
        select(Photo, Job)
        .outerjoin(Job, Job.id == Photo.job_id)
        .where(Photo.owner == owner)
        .order_by(Photo.created_at.desc(), Photo.id.desc())
    )
    if wanted.state:
        query = query.where(Job.state.in_(wanted.state))
    if wanted.since is not None:
        query = query.where(Photo.created_at >= as_utc(wanted.since))
    if wanted.until is not None:
        query = query.where(Photo.created_at < as_utc(wanted.until))
    if wanted.min_faces is not None:
        query = query.where(Photo.face_count >= wanted.min_faces)
    if wanted.max_faces is not None:
        query = query.where(Photo.face_count <= wanted.max_faces)
    if wanted.batch_id is not None:
        query = query.where(Photo.batch_id == wanted.batch_id)
    if wanted.checksum_sha256:
        query = query.where(Photo.checksum_sha256.in_(wanted.checksum_sha256))
    if wanted.q:
        columns = (Photo.filename, Photo.camera_make, Photo.camera_model)
        query = query.where(or_(*(column.icontains(wanted.q, autoescape=True) for column in columns)))
    return query


async def history_page(
    session: AsyncSession, owner: str, wanted: HistoryFilter, *, limit: int, cursor: str | None
) -> tuple[Sequence[Row], str | None]:
    """Return one page and the cursor of the next."""
    query = history_query(owner, wanted)
    if cursor is not None:
        created, photo_id = read_cursor(cursor, str, str)
        at = read_time(str(created))
        # As one comparison of rows both databases begin in the middle of the index; with AND and OR they read up to it.
        query = query.where(tuple_(Photo.created_at, Photo.id) < (at, str(photo_id)))
    rows = [(row[0], row[1]) for row in (await session.execute(query.limit(limit + 1))).all()]
    page, more = rows[:limit], len(rows) > limit
    last = page[-1][0] if page else None
    return page, make_cursor(last.created_at.isoformat(), last.id) if more and last else None


def read_time(text: str) -> datetime:
    """Read the time of a cursor."""
    try:
        return as_utc(datetime.fromisoformat(text))
    except ValueError as error:
        raise BadCursorError("The cursor is not one of this list: leave it out to start again.") from error


def as_utc(value: datetime) -> datetime:
    """Take a time without a zone as UTC."""
    return value if value.tzinfo is not None else value.replace(tzinfo=UTC)
