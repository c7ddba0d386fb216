"""`?wait=`: the same job, awaited with a deadline."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from fotofila.core.capability import Context
from fotofila.core.jobs.models import Job
from fotofila.core.jobs.states import FINAL
from fotofila.library.models import Photo
from fotofila.library.schemas import Upload
from fotofila.library.views import upload_out


async def wait_for_job(context: Context, owner: str, upload: Upload, *, until: datetime) -> Upload:
    """Return the upload as it stands when its job is over, or at the deadline."""
    query = (
        select(Photo, Job).join(Job, Job.id == Photo.job_id).where(Photo.id == upload.photo.id, Photo.owner == owner)
    )
    while True:
        mark = context.db.changes.mark()
        async with context.db.read() as session:
            row = (await session.execute(query)).first()
        if row is None:
            return upload
        left = (until - context.clock.now()).total_seconds()
        if row[1].state in FINAL or left <= 0:
            return upload_out(row[0], row[1], duplicate=upload.duplicate)
        await context.db.changes.wait(min(left, 1.0), since=mark)
