"""The writes: renditions are adopted, as every kind does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.core.config import Settings
from fotofila.core.jobs.messages import Rendition
from fotofila.core.jobs.models import Job
from fotofila.library.adopt import adopt_renditions
from fotofila.library.models import Photo


async def resolve(_session: AsyncSession, _owner: str, _settings: Settings) -> dict[str, Any]:
    """Nothing shapes the result."""
    return {}


async def apply(
    session: AsyncSession, job: Job, _result: Mapping[str, Any], renditions: Sequence[Rendition], now: datetime
) -> dict[str, Any]:
    """Adopt the rendition."""
    photo = await session.get_one(Photo, job.photo_id)
    await adopt_renditions(session, photo, job, renditions, now=now)
    return {}
