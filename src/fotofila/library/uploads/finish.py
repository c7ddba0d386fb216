"""The end of an upload: a photo with its job, or a refusal that is remembered."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import CursorResult, delete, update
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.core.capability import Context, Principal
from fotofila.core.errors import FotofilaError, NotFoundError
from fotofila.core.jobs.models import Job
from fotofila.core.observability.metrics import PHOTOS_REFUSED
from fotofila.library.add import Added, add_photo
from fotofila.library.ingest import Limits, Received
from fotofila.library.models import Photo
from fotofila.library.upload import told
from fotofila.library.uploads.begin import kept_for
from fotofila.library.uploads.errors import ChecksumMismatchError, SizeMismatchError, UploadMovedError
from fotofila.library.uploads.models import DONE, OPEN, REFUSED, StagedUpload


def limits_of(context: Context) -> Limits:
    """What is taken."""
    return Limits(max_bytes=context.settings.max_upload_bytes, max_pixels=context.settings.max_pixels)


def check_announced(upload: StagedUpload, *, size_bytes: int, checksum_sha256: str) -> None:
    """Refuse a file that is not the announced one.

    Raises:
        SizeMismatchError, ChecksumMismatchError
    """
    if size_bytes != upload.size_bytes:
        raise SizeMismatchError(
            f"The file has {size_bytes} bytes, {upload.size_bytes} were announced: begin a new upload with its size."
        )
    if upload.checksum_sha256 is not None and checksum_sha256 != upload.checksum_sha256:
        raise ChecksumMismatchError(
            "The file is not the one whose checksum was announced, it was changed on the way: send it again."
        )


async def finish(context: Context, principal: Principal, upload: StagedUpload, received: Received) -> Added:
    """Make the photo of an original that is durable, and the upload done, in one transaction.

    Raises:
        UploadMovedError: another request has moved, finished or ended the upload; nothing of this one is kept.
        QuotaExceededError, NotFoundError: as `add_photo`; the upload stays open.
    """
    try:
        async with context.db.write() as session:
            await claim(session, upload)
            added = await add_photo(session, context, principal, received, batch_id=upload.batch_id)
            row = await session.get_one(StagedUpload, upload.id)
            row.photo_id, row.duplicate = added.photo.id, added.duplicate
            row.expires_at = context.clock.now() + kept_for(context)
    except FotofilaError as error:
        if error.permanent:  # else nobody knows whether it was committed
            await context.storage.delete([received.key])
        raise
    if added.duplicate:
        await context.storage.delete([received.key])
    await clear(context, upload)
    return added


async def claim(session: AsyncSession, upload: StagedUpload) -> None:
    """Take the upload to its end, if it is where we saw it; the row stays locked until the transaction is over."""
    taken = await session.execute(
        update(StagedUpload)
        .where(
            StagedUpload.id == upload.id,
            StagedUpload.state == OPEN,
            StagedUpload.offset_bytes == upload.offset_bytes,
        )
        .values(state=DONE, offset_bytes=StagedUpload.size_bytes)
    )
    if cast("CursorResult[Any]", taken).rowcount == 0:
        raise moved()


def moved() -> UploadMovedError:
    """Make the error of a request that came second."""
    return UploadMovedError("Another request has written this upload meanwhile: ask where it is, and go on from there.")


async def refuse(context: Context, upload: StagedUpload, error: FotofilaError) -> None:
    """Remember why the content was refused, and let go of it."""
    PHOTOS_REFUSED.labels(error.code).inc()
    async with context.db.write() as session:
        await session.execute(
            update(StagedUpload)
            .where(StagedUpload.id == upload.id, StagedUpload.state == OPEN)
            .values(state=REFUSED, problem=told(error).model_dump(exclude_none=True))
        )
    await clear(context, upload)


async def end(context: Context, upload: StagedUpload) -> None:
    """Forget an upload and let go of its bytes; a photo that came of it stays."""
    async with context.db.write() as session:
        await session.execute(delete(StagedUpload).where(StagedUpload.id == upload.id))
    await clear(context, upload)


async def clear(context: Context, upload: StagedUpload) -> None:
    """Remove what was staged."""
    await context.storage.delete([info.key async for info in context.storage.list(upload.prefix)])


async def outcome(session: AsyncSession, upload: StagedUpload) -> Added:
    """Return what a finished upload became.

    Raises:
        NotFoundError: the photo was deleted since.
    """
    photo = await session.get(Photo, upload.photo_id) if upload.photo_id else None
    job = await session.get(Job, photo.job_id) if photo is not None else None
    if photo is None or job is None:
        raise NotFoundError("The photo of this upload was deleted: upload it again.")
    return Added(photo=photo, job=job, duplicate=bool(upload.duplicate))
