"""`?wait=`: the same job, awaited with a deadline."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from fotofila.core.capability import Context
from fotofila.core.jobs.models import Job
from fotofila.core.jobs.states import FINAL
from fotofila.library.models import Photo
from fotofila.library.schemas import Analysis, Upload, UploadList
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


async def wait_for_all(
    context: Context, owner: str, outcome: Upload | UploadList | Analysis, *, until: datetime
) -> Upload | UploadList | Analysis:
    """Wait for every job that an upload started, all with one deadline."""
    match outcome:
        case Upload():
            return await wait_for_job(context, owner, outcome, until=until)
        case UploadList():
            for item in outcome.items:
                if item.photo is not None and item.job is not None:
                    started = Upload(photo=item.photo, job=item.job, duplicate=item.duplicate)
                    ended = await wait_for_job(context, owner, started, until=until)
                    item.photo, item.job = ended.photo, ended.job
    return outcome
