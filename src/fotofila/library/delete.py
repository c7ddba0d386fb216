"""Deleting a photo: rows now, files with the next sweep. Tombstones come first, for what a late worker writes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Select, delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.core.db import insert_ignore
from fotofila.core.db.later import flush_rows
from fotofila.core.db.locks import lock_rows
from fotofila.core.events.lifecycle import finish_job
from fotofila.core.events.service import append_event
from fotofila.core.jobs.models import Batch, Failure, Job, OutboxMessage, TimelineEntry, Tombstone
from fotofila.core.jobs.states import FINAL, JobState
from fotofila.library.models import Photo


async def delete_photo(session: AsyncSession, photo: Photo, *, now: datetime) -> None:
    """Remove a photo and everything that hangs on it; what other capabilities keep falls by foreign key.

    Jobs are held first, then the photo, as everywhere; so a result that comes at this moment is written before, or
    finds no job any more. Of two who delete it at once, the second finds it gone and tells nothing.
    """
    jobs = (await session.scalars(jobs_of(photo).with_for_update())).all()
    if await session.scalar(select(Photo.id).where(Photo.id == photo.id).with_for_update()) is None:
        return
    for prefix in (photo.original_key, f"renditions/{photo.owner}/{photo.id}/"):
        await session.execute(insert_ignore(session, Tombstone).values(prefix=prefix, reason="deleted", created_at=now))
    await lock_rows(session, Batch, {job.batch_id for job in jobs if job.batch_id is not None})
    for job in jobs:
        if job.state not in FINAL:
            await finish_job(session, job, JobState.CANCELLED, now=now)
    await flush_rows(session)
    every = select(Job.id).where(Job.photo_id == photo.id)  # also one that was begun while we waited
    await session.execute(delete(Failure).where(Failure.photo_id == photo.id))
    await session.execute(delete(OutboxMessage).where(OutboxMessage.job_id.in_(every)))
    await session.execute(delete(TimelineEntry).where(TimelineEntry.job_id.in_(every)))
    await session.execute(delete(Job).where(Job.photo_id == photo.id))
    await session.delete(photo)
    await append_event(session, owner=photo.owner, event_type="photo.deleted", at=now, photo_id=photo.id)


def jobs_of(photo: Photo) -> Select[Job]:
    """Select the jobs of a photo, in the order in which they are held."""
    return select(Job).where(Job.photo_id == photo.id).order_by(Job.id)
