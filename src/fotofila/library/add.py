"""From a stored original to a photo with a job: one transaction, after which `202` means durable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import CursorResult, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.core.capability import Context, Principal, Search, load
from fotofila.core.db.locks import lock_name
from fotofila.core.errors import ConflictError, InvalidInputError, NotFoundError, QuotaExceededError
from fotofila.core.events.service import append_event
from fotofila.core.ids import new_id
from fotofila.core.jobs.messages import Source
from fotofila.core.jobs.models import Batch, Job
from fotofila.core.jobs.service import NewJob, create_job
from fotofila.core.jobs.states import JobState
from fotofila.core.observability.metrics import BYTES_ACCEPTED, PHOTOS_ACCEPTED
from fotofila.core.observability.traces import current_traceparent
from fotofila.library.ingest import Received
from fotofila.library.models import Photo

INSERT_PHOTO = {
    "sqlite": sqlite.insert(Photo.__table__).on_conflict_do_nothing(),  # type: ignore[arg-type]
    "postgresql": postgresql.insert(Photo.__table__).on_conflict_do_nothing(),  # type: ignore[arg-type]
}
"""Made once: to make a statement costs more than to run it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """A photo with its job, new or known before."""

    photo: Photo
    job: Job
    duplicate: bool


async def add_photo(
    session: AsyncSession,
    context: Context,
    principal: Principal,
    received: Received,
    *,
    batch_id: str | None,
    search: Search | None = None,
) -> Added:
    """Write the photo, its job and the outbox row; equal bytes of the same owner answer with the first photo.

    Raises:
        QuotaExceededError: the workspace has no room for it.
        NotFoundError: there is no such batch.
    """
    now, job_id = context.clock.now(), new_id()
    values = {
        "id": received.photo_id,
        "owner": principal.owner,
        "filename": received.filename,
        "media_type": received.media_type,
        "size_bytes": received.size_bytes,
        "checksum_sha256": received.checksum_sha256,
        "original_key": received.key,
        "batch_id": batch_id,
        "job_id": job_id,
        "created_at": now,
    }
    if has_quota(principal):
        await lock_name(session, f"quota:{principal.owner}")  # or two at once would both take the last place
    while True:
        row = await session.execute(INSERT_PHOTO[session.get_bind().dialect.name], values)
        if cast("CursorResult[Any]", row).rowcount:
            break
        if (same := await find_same(session, principal.owner, received.checksum_sha256)) is not None:
            return same  # and where there is none, it was deleted in between
    await check_quota(session, principal)
    source = source_of(received)
    job = await start_job(session, context, principal.owner, source, batch_id=batch_id, job_id=job_id, search=search)
    await append_event(
        session,
        owner=principal.owner,
        event_type="photo.created",
        at=now,
        photo_id=received.photo_id,
        job_id=job.id,
        batch_id=batch_id,
        data={"filename": received.filename},
    )
    photo = Photo(**values)  # as it was just written: reading it back would tell nothing new
    PHOTOS_ACCEPTED.labels(photo.media_type).inc()
    BYTES_ACCEPTED.inc(photo.size_bytes)
    return Added(photo=photo, job=job, duplicate=False)


async def find_same(session: AsyncSession, owner: str, checksum: str) -> Added | None:
    """Return the photo of an owner that has these bytes, if there is one."""
    query = (
        select(Photo, Job)
        .join(Job, Job.id == Photo.job_id)
        .where(Photo.owner == owner, Photo.checksum_sha256 == checksum)
    )
    found = (await session.execute(query)).one_or_none()
    return None if found is None else Added(photo=found[0], job=found[1], duplicate=True)


def has_quota(principal: Principal) -> bool:
    """Say whether a workspace may hold so much and no more."""
    return principal.quota_photos is not None or principal.quota_bytes is not None


async def check_quota(session: AsyncSession, principal: Principal) -> None:
    """Refuse the photo that was just written when the workspace has no room for it: the transaction takes it back."""
    if not has_quota(principal):
        return
    query = select(func.count(), func.coalesce(func.sum(Photo.size_bytes), 0)).where(Photo.owner == principal.owner)
    photos, stored = (await session.execute(query)).one()
    if principal.quota_photos is not None and photos > principal.quota_photos:
        message = f"The workspace holds {photos - 1} photos, its quota: delete some, or raise the quota."
        raise QuotaExceededError(message)
    if principal.quota_bytes is not None and stored > principal.quota_bytes:
        megabytes = principal.quota_bytes / 1024**2
        raise QuotaExceededError(f"The workspace's {megabytes:g} MB are used up: delete photos, or raise the quota.")


def source_of(received: Received) -> Source:
    """Say where the original is, for the job."""
    return Source(
        photo_id=received.photo_id,
        key=received.key,
        media_type=received.media_type,
        size_bytes=received.size_bytes,
        checksum_sha256=received.checksum_sha256,
    )


async def start_job(
    session: AsyncSession,
    context: Context,
    owner: str,
    source: Source,
    *,
    batch_id: str | None,
    job_id: str,
    search: Search | None = None,
) -> Job:
    """Make the job of a photo, in its batch."""
    if batch_id is not None:
        found = await session.execute(
            update(Batch)
            .where(Batch.id == batch_id, Batch.owner == owner)
            .values(total=Batch.total + 1, finished_at=None)
        )
        if cast("CursorResult[Any]", found).rowcount == 0:
            raise NotFoundError("There is no such batch: make one with POST /api/batches.")
    new = await settle_job(session, context, owner, source, batch_id=batch_id, job_id=job_id, search=search)
    return create_job(session, new, now=context.clock.now())


async def settle_job(
    session: AsyncSession,
    context: Context,
    owner: str,
    source: Source,
    *,
    batch_id: str | None,
    job_id: str,
    search: Search | None = None,
) -> NewJob:
    """Settle everything that shapes the result; `settle_search` of the kind says why a search cannot be."""
    kind = context.kinds.get(context.settings.ingest_kind)
    args = await load(kind.resolve)(session, owner, context.settings)
    if search is not None:
        if kind.settle_search is None:
            raise InvalidInputError(f"Photos are not searched for faces here ({kind.name}): leave `collection` out.")
        args |= await load(kind.settle_search)(session, owner, context.settings, search)
    return NewJob(
        id=job_id,
        owner=owner,
        kind=kind.name,
        kind_version=kind.version,
        lane=kind.lane if batch_id is None else f"{kind.lane}.bulk",
        args=args,
        max_attempts=context.settings.max_attempts,
        source=source,
        batch_id=batch_id,
        traceparent=current_traceparent(),
    )


async def analyze_again(session: AsyncSession, context: Context, photo: Photo, *, search: Search | None = None) -> Job:
    """Start a new job on a photo that is there; what it finds replaces what was found before.

    Raises:
        ConflictError: a search is wished for while a job runs that does not search.
    """
    source = Source(
        photo_id=photo.id,
        key=photo.original_key,
        media_type=photo.media_type,
        size_bytes=photo.size_bytes,
        checksum_sha256=photo.checksum_sha256,
    )
    running = await session.get(Job, photo.job_id)
    if running is not None and running.state not in {JobState.DONE, JobState.FAILED, JobState.CANCELLED}:
        if search is not None:
            raise ConflictError("The photo is still being analysed: wait until that job is over, or cancel it.")
        return running
    job = await start_job(session, context, photo.owner, source, batch_id=None, job_id=new_id(), search=search)
    photo.job_id = job.id
    return job
