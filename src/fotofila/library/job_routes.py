"""Jobs: how they stand, how they went, and stopping them."""

from __future__ import annotations

from fastapi import APIRouter
from sqlalchemy import select

from fotofila.api.deps import SECURITY, ContextDep, Editor, Reader, ReadSession
from fotofila.core.events.lifecycle import cancel_job
from fotofila.core.jobs.keys import cancel_marker
from fotofila.core.jobs.models import Job, TimelineEntry
from fotofila.library.find import find_owned
from fotofila.library.schemas import Hop, JobOut, Timeline
from fotofila.library.views import job_out

router = APIRouter(prefix="/api/jobs", tags=["jobs"], dependencies=[*SECURITY])


@router.get("/{job_id}", operation_id="get_job", summary="How a job stands")
async def get_job(job_id: str, session: ReadSession, principal: Reader) -> JobOut:
    """Return a job."""
    return job_out(await find_owned(session, Job, job_id, principal.owner, "job"))


@router.get("/{job_id}/timeline", operation_id="get_job_timeline", summary="Each hop of a job, with milliseconds")
async def get_timeline(job_id: str, session: ReadSession, principal: Reader) -> Timeline:
    """Return the hops, by the time at which they happened; machines' clocks may differ."""
    job = await find_owned(session, Job, job_id, principal.owner, "job")
    query = select(TimelineEntry).where(TimelineEntry.job_id == job.id).order_by(TimelineEntry.at, TimelineEntry.id)
    entries = (await session.scalars(query)).all()
    before = [entries[0], *entries[:-1]] if entries else []
    return Timeline(
        items=[
            Hop(
                at=entry.at,
                hop=entry.hop,
                round=entry.round,
                attempt=entry.attempt,
                milliseconds=round((entry.at - previous.at).total_seconds() * 1000, 3),
                detail=entry.detail,
            )
            for entry, previous in zip(entries, before, strict=True)
        ]
    )


@router.post("/{job_id}/cancel", status_code=202, operation_id="cancel_job", summary="Stop a job")
async def stop_job(job_id: str, context: ContextDep, principal: Editor) -> JobOut:
    """End a job that is not over; a worker that has it stops at its next heartbeat."""
    async with context.db.read() as session:
        job = await find_owned(session, Job, job_id, principal.owner, "job")
    await context.storage.put(cancel_marker(job.id, job.round), b"")
    async with context.db.write() as session:
        job = await find_owned(session, Job, job_id, principal.owner, "job", hold=True)
        await cancel_job(session, job, now=context.clock.now())
        return job_out(job)
