"""Direct uploads: the bytes go straight into the storage, by a request that the storage, or we, have signed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from urllib.parse import urlencode

from fotofila.core.capability import Context, Principal
from fotofila.core.errors import ForbiddenError, FotofilaError
from fotofila.core.ids import new_id
from fotofila.core.images.sniff import HEAD_BYTES, Sniffed, sniff
from fotofila.core.storage.base import CHUNK_BYTES, ObjectNotFoundError, SignedRequest, SigningStorage
from fotofila.library.add import Added
from fotofila.library.ingest import Metered, Received, clean_filename
from fotofila.library.uploads.begin import demand_open
from fotofila.library.uploads.errors import SizeMismatchError, UploadIncompleteError, UploadMovedError
from fotofila.library.uploads.finish import check_announced, finish, limits_of, outcome, refuse
from fotofila.library.uploads.models import DONE, TUS, StagedUpload

LINK_SECONDS = 3600
"""How long a signed request may wait to be made; once begun it may take as long as it takes."""
PURPOSE = "upload"


async def sign_target(context: Context, upload: StagedUpload, *, base_url: str) -> SignedRequest:
    """Return the request that carries the bytes: to the storage where it can sign and clients reach it, else to us."""
    if isinstance(context.storage, SigningStorage) and context.settings.storage_link_seconds:
        return await context.storage.sign_put(
            upload.content_key,
            seconds=LINK_SECONDS,
            size_bytes=upload.size_bytes,
            checksum_sha256=upload.checksum_sha256 or "",
        )
    expires = int(context.clock.now().timestamp()) + LINK_SECONDS
    signature = context.secret_keys.sign(PURPOSE, f"{upload.id}:{expires}")
    query = urlencode({"expires": expires, "signature": signature})
    return SignedRequest(
        method="PUT",
        url=f"{base_url}/api/uploads/{upload.id}/content?{query}",
        expires_at=datetime.fromtimestamp(expires, UTC),
        headers={"Content-Type": "application/octet-stream"},
    )


def check_link(context: Context, upload_id: str, *, expires: int, signature: str) -> None:
    """Let only the link pass that we signed.

    Raises:
        ForbiddenError: it was signed for something else, or has expired.
    """
    if not context.secret_keys.verify(PURPOSE, f"{upload_id}:{expires}", signature):
        raise ForbiddenError("The link is not one of ours: use it exactly as POST /api/uploads gave it.")
    if expires <= context.clock.now().timestamp():
        raise ForbiddenError("The link has expired: begin a new upload with POST /api/uploads.")


async def take_content(context: Context, upload: StagedUpload, stream: AsyncIterator[bytes]) -> None:
    """Store the bytes of a direct upload, if they are the announced ones; they may be sent again.

    Raises:
        UploadGoneError: the upload is over.
        SizeMismatchError, ChecksumMismatchError: they are others; the upload stays open for the right ones.
        FotofilaError: what the door refuses; that is the end of the upload.
    """
    demand_open(upload, now=context.clock.now())
    if upload.state == DONE:
        raise UploadMovedError("The upload is complete: its bytes are not taken again.")
    chunks = Metered(exactly(stream, upload.size_bytes), upload.size_bytes)
    head = await chunks.take(HEAD_BYTES)
    if head:
        await sniffed_or_refused(context, upload, head)
    async with context.storage.open_writer(upload.content_key) as writer:
        chunk = head + await chunks.take(CHUNK_BYTES - len(head))
        while chunk:
            await writer.write(chunk)
            chunk = await chunks.take(CHUNK_BYTES)
        check_announced(upload, size_bytes=chunks.size_bytes, checksum_sha256=chunks.checksum.hexdigest())
        await writer.commit()


async def exactly(stream: AsyncIterator[bytes], size_bytes: int) -> AsyncIterator[bytes]:
    """Pass bytes on; more than were announced are an error as soon as they come."""
    seen = 0
    async for chunk in stream:
        seen += len(chunk)
        if seen > size_bytes:
            raise SizeMismatchError(
                f"More than the {size_bytes} bytes came that were announced: begin a new upload with the file's size."
            )
        yield chunk


async def sniffed_or_refused(context: Context, upload: StagedUpload, head: bytes) -> Sniffed:
    """Look at the first bytes, as the door does; what it refuses is the end of the upload."""
    try:
        return sniff(head, declared_type=upload.media_type, pixel_cap=limits_of(context).max_pixels)
    except FotofilaError as error:
        await refuse(context, upload, error)
        raise


async def complete(context: Context, principal: Principal, upload: StagedUpload) -> Added:
    """Make a photo of an upload whose bytes are all there; asked again it answers again.

    Whoever takes the bytes in, the storage by its signature or we, takes no others than the announced ones, so nothing
    is read here but the beginning.

    Raises:
        UploadIncompleteError: the bytes are not there.
        UploadGoneError: the upload is over.
        FotofilaError: what the door refuses, and as `finish`.
    """
    if upload.state == DONE:
        async with context.db.read() as session:
            return await outcome(session, upload)
    demand_open(upload, now=context.clock.now())
    if upload.kind == TUS:
        raise UploadIncompleteError(
            f"{upload.offset_bytes} of {upload.size_bytes} bytes are here: send the rest, which completes it."
        )
    try:
        received = await adopt(context, upload)
        return await finish(context, principal, upload, received)
    except (ObjectNotFoundError, UploadMovedError):
        async with context.db.read() as session:
            now = await session.get(StagedUpload, upload.id)
            if now is not None and now.state == DONE:  # by a request beside this one
                return await outcome(session, now)
        raise UploadIncompleteError(
            "No bytes are here yet: send them with the request that POST /api/uploads gave, then complete."
        ) from None


async def adopt(context: Context, upload: StagedUpload) -> Received:
    """Copy staged bytes to an original of their own."""
    storage = context.storage
    info = await storage.head(upload.content_key)
    if info.size_bytes != upload.size_bytes:
        error = SizeMismatchError(
            f"The storage has {info.size_bytes} bytes, {upload.size_bytes} were announced: begin a new upload."
        )
        await refuse(context, upload, error)
        raise error
    head = b"".join([chunk async for chunk in storage.get_range(upload.content_key, end=HEAD_BYTES)])
    sniffed = await sniffed_or_refused(context, upload, head)
    photo_id = new_id()
    key = f"originals/{upload.owner}/{photo_id}"
    await storage.copy(upload.content_key, key)
    return Received(
        photo_id=photo_id,
        key=key,
        filename=clean_filename(upload.filename, sniffed),
        media_type=sniffed.media_type,
        size_bytes=upload.size_bytes,
        checksum_sha256=hashed_as(upload),
    )


def hashed_as(upload: StagedUpload) -> str:
    """Return the checksum that a direct upload was announced with; it always is."""
    assert upload.checksum_sha256 is not None, upload.id  # noqa: S101 - begun with one, by its schema
    return upload.checksum_sha256
