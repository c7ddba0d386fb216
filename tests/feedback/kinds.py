"""A kind of job whose `apply` keeps the result where a test can see it, and breaks when the result says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.core.capability import Capability, JobKind
from fotofila.core.config import Settings
from fotofila.core.jobs.messages import Rendition
from fotofila.core.jobs.models import Job
from fotofila.library.adopt import adopt_renditions
from fotofila.library.models import Photo

KIND = JobKind(
    name="kept",
    version=1,
    lane="process",
    work="tests.feedback.kinds:work",
    apply="tests.feedback.kinds:apply",
    resolve="tests.feedback.kinds:resolve",
)
CAPABILITY = Capability(name="kept", job_kinds=(KIND,))


async def resolve(_session: AsyncSession, _owner: str, _settings: Settings) -> dict[str, Any]:
    return {}


async def apply(
    session: AsyncSession, job: Job, result: Mapping[str, Any], renditions: Sequence[Rendition], now: datetime
) -> dict[str, Any]:
    photo = await session.get_one(Photo, job.photo_id)
    photo.exif = dict(result)
    adopt_renditions(session, job, renditions, now=now)
    if result.get("poison"):
        raise ZeroDivisionError("the result cannot be written down")
    return {"told": result.get("told")}
