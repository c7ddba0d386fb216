"""Deleting a photo: rows now, files with the next sweep. Tombstones come first, for what a late worker writes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.core.db import insert_ignore
from fotofila.core.events.lifecycle import finish_job
from fotofila.core.events.service import append_event
from fotofila.core.jobs.models import Failure, Job, TimelineEntry, Tombstone
from fotofila.core.jobs.states import FINAL, JobState
from fotofila.library.models import Photo


async def delete_photo(session: AsyncSession, photo: Photo, *, now: datetime) -> None:
    """Remove a photo and everything that hangs on it; what other capabilities keep falls by foreign key."""
    for prefix in (photo.original_key, f"renditions/{photo.owner}/{photo.id}/"):
        await session.execute(insert_ignore(session, Tombstone).values(prefix=prefix, reason="deleted", created_at=now))
    jobs = (await session.scalars(select(Job).where(Job.photo_id == photo.id))).all()
    for job in jobs:
        if job.state not in FINAL:
            await finish_job(session, job, JobState.CANCELLED, now=now)
    await session.flush()
    job_ids = [job.id for job in jobs]
    await session.execute(delete(Failure).where(Failure.photo_id == photo.id))
    await session.execute(delete(TimelineEntry).where(TimelineEntry.job_id.in_(job_ids)))
    await session.execute(delete(Job).where(Job.id.in_(job_ids)))
    await session.delete(photo)
    await append_event(session, owner=photo.owner, event_type="photo.deleted", at=now, photo_id=photo.id)
