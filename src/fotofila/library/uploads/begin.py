"""The beginning of an upload: everything that can be refused before a byte has moved is refused here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.core.capability import Context, Principal
from fotofila.core.errors import NotFoundError, QuotaExceededError, TooLargeError
from fotofila.core.ids import new_id
from fotofila.core.images.errors import EmptyFileError
from fotofila.core.jobs.models import Batch
from fotofila.library.models import Photo
from fotofila.library.uploads.errors import UploadGoneError
from fotofila.library.uploads.models import OPEN, REFUSED, StagedUpload


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """What a client says of a file before it sends it."""

    kind: str
    size_bytes: int
    filename: str | None = None
    media_type: str | None = None
    checksum_sha256: str | None = None
    batch_id: str | None = None
    tus_metadata: str | None = None


async def begin(session: AsyncSession, context: Context, principal: Principal, announced: Announced) -> StagedUpload:
    """Write an upload down.

    Raises:
        EmptyFileError, TooLargeError, QuotaExceededError: the file would never be taken.
        NotFoundError: there is no such batch.
    """
    check_size(announced.size_bytes, context.settings.max_upload_bytes)
    if announced.batch_id is not None:
        batch = await session.get(Batch, announced.batch_id)
        if batch is None or batch.owner != principal.owner:
            raise NotFoundError("There is no such batch: make one with POST /api/batches.")
    now = context.clock.now()
    await check_room(session, principal, announced, now=now)
    upload = StagedUpload(
        id=new_id(),
        owner=principal.owner,
        kind=announced.kind,
        state=OPEN,
        filename=announced.filename,
        media_type=announced.media_type,
        size_bytes=announced.size_bytes,
        offset_bytes=0,
        checksum_sha256=announced.checksum_sha256,
        batch_id=announced.batch_id,
        tus_metadata=announced.tus_metadata,
        created_at=now,
        expires_at=now + kept_for(context),
    )
    session.add(upload)
    return upload


def check_size(size_bytes: int, most_bytes: int) -> None:
    """Refuse a size that cannot be."""
    if size_bytes == 0:
        raise EmptyFileError("The file is empty: nothing arrived, or nothing was chosen. Upload it again.")
    if size_bytes > most_bytes:
        limit = most_bytes / 1024**2
        raise TooLargeError(
            f"The file is larger than {limit:g} MB: send a smaller one, or raise FOTOFILA_MAX_UPLOAD_BYTES."
        )


async def check_room(session: AsyncSession, principal: Principal, announced: Announced, *, now: datetime) -> None:
    """Refuse what the workspace has no room for; what others have announced counts as there.

    The last word is spoken when the photo is made; this spares a client the sending. A photo that is known takes no
    room.
    """
    if principal.quota_photos is None and principal.quota_bytes is None:
        return
    owned = Photo.owner == principal.owner
    if await session.scalar(select(Photo.id).where(owned, Photo.checksum_sha256 == announced.checksum_sha256)):
        return
    photos, stored = (
        await session.execute(select(func.count(), func.coalesce(func.sum(Photo.size_bytes), 0)).where(owned))
    ).one()
    coming = await session.scalar(
        select(func.coalesce(func.sum(StagedUpload.size_bytes), 0)).where(
            StagedUpload.owner == principal.owner, StagedUpload.state == OPEN, StagedUpload.expires_at > now
        )
    )
    if principal.quota_photos is not None and photos >= principal.quota_photos:
        raise QuotaExceededError(f"The workspace holds {photos} photos, its quota: delete some, or raise the quota.")
    if principal.quota_bytes is not None and stored + (coming or 0) + announced.size_bytes > principal.quota_bytes:
        megabytes = principal.quota_bytes / 1024**2
        raise QuotaExceededError(
            f"The file does not fit into the workspace's {megabytes:g} MB beside photos and uploads that were begun: "
            "delete some, or raise the quota."
        )


async def find_upload(session: AsyncSession, upload_id: str, owner: str, *, kind: str | None = None) -> StagedUpload:
    """Return an upload of this owner.

    Raises:
        NotFoundError: there is none with this id, or it is another workspace's: the answer is the same.
    """
    upload = await session.get(StagedUpload, upload_id)
    if upload is None or upload.owner != owner or (kind is not None and upload.kind != kind):
        raise NotFoundError("There is no such upload: it was ended, it expired, or the id is wrong. Begin a new one.")
    return upload


def demand_open(upload: StagedUpload, *, now: datetime) -> None:
    """Refuse what is over without having become a photo.

    Raises:
        UploadGoneError: the upload expired, or was refused.
    """
    if upload.state == REFUSED:
        sentence = (upload.problem or {}).get("detail", "")
        raise UploadGoneError(f"The file of this upload was refused. {sentence}")
    if upload.state == OPEN and upload.expires_at <= now:
        raise UploadGoneError("The upload expired (FOTOFILA_UPLOAD_SECONDS): begin a new one.")


def kept_for(context: Context) -> timedelta:
    """Return how long an upload is kept since anything happened to it."""
    return timedelta(seconds=context.settings.upload_seconds)
