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


async def resolve(_session: AsyncSession, _owner: str, _settings: Settings) -> dict[str, Any]:
    """Nothing shapes the result."""
    return {}


async def apply(
    session: AsyncSession, job: Job, _result: Mapping[str, Any], renditions: Sequence[Rendition], now: datetime
) -> dict[str, Any]:
    """Adopt the rendition."""
    adopt_renditions(session, job, renditions, now=now)
    return {}
