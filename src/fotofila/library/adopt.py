"""What capabilities write about a photo when a job of theirs is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.core.db import insert_ignore
from fotofila.core.db.later import insert_later
from fotofila.core.jobs import messages
from fotofila.core.jobs.keys import execution_prefix
from fotofila.core.jobs.models import Job, Tombstone
from fotofila.library.models import Photo, Rendition

RENDITIONS: Any = Rendition.__table__
INSERT_RENDITION = insert(RENDITIONS)
FORGET_RENDITIONS = (
    delete(RENDITIONS).where(RENDITIONS.c.photo_id == bindparam("of")).returning(RENDITIONS.c.execution_id)
)


async def adopt_renditions(
    session: AsyncSession, photo: Photo, job: Job, renditions: Sequence[messages.Rendition], *, now: datetime
) -> None:
    """Make the winning execution's files the photo's; those of an earlier one are buried."""
    earlier = (await session.execute(FORGET_RENDITIONS, {"of": photo.id})).scalars()
    for execution_id in set(earlier) - {job.execution_id}:
        prefix = execution_prefix(photo.owner, photo.id, execution_id)
        await session.execute(
            insert_ignore(session, Tombstone).values(prefix=prefix, reason="replaced", created_at=now)
        )
    for rendition in renditions:
        values = {"photo_id": photo.id, "execution_id": job.execution_id, **rendition.model_dump()}
        insert_later(session, INSERT_RENDITION, values)


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
