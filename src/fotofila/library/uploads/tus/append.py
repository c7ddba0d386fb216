"""Adding to a resumable upload.

What comes is written as parts, each an object of its own, and a part counts once its row is committed: `HEAD` tells no
byte that a killed server could lose. The upload's offset is moved by compare-and-set in the same transaction, so of
two requests at once one adds and the other is told that it came second, without any lock that could be left behind.

The part that would be the last does not count before the photo is there: a server that dies while it joins the parts is
asked for that part again, and joins them then.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, cast

from sqlalchemy import CursorResult, select, update

from fotofila.core.capability import Context, Principal
from fotofila.core.errors import ConflictError, FotofilaError, InvalidInputError, NotFoundError
from fotofila.core.ids import new_id
from fotofila.core.images.sniff import HEAD_BYTES, sniff
from fotofila.core.storage import ObjectNotFoundError
from fotofila.library.add import Added
from fotofila.library.ingest import receive
from fotofila.library.multipart import CutOffError
from fotofila.library.uploads.begin import kept_for
from fotofila.library.uploads.errors import PieceMismatchError, SilentClientError, SizeMismatchError
from fotofila.library.uploads.finish import check_announced, finish, limits_of, moved, refuse
from fotofila.library.uploads.models import OPEN, StagedPart, StagedUpload
from fotofila.library.uploads.tus.protocol import PieceChecksum

BUFFER_BYTES = 256 * 1024
PART_BYTES = 8 * 1024 * 1024
"""What a killed server may lose of a fast sender's bytes."""
PART_SECONDS = 5.0
"""And of a slow one's: a part ends after this time."""
SILENT_SECONDS = 30.0
"""A request that sends nothing for so long is ended; what it sent is kept."""


class Inflow:
    """The body of one request, in buffers; its end may be a cut, and what came before it counts."""

    def __init__(
        self, stream: AsyncIterator[bytes], most_bytes: int, *, silent_seconds: float = SILENT_SECONDS
    ) -> None:
        self._stream = aiter(stream)
        self._left = most_bytes
        self._silent_seconds = silent_seconds
        self.cut: FotofilaError | None = None
        self.over = False

    async def take(self, until: float) -> bytes:
        """Return a buffer that is full, or what came up to a time of the loop's clock; nothing is the end.

        Raises:
            SizeMismatchError: more comes than the upload has room for.
        """
        buffer = bytearray()
        while len(buffer) < BUFFER_BYTES and not self.over:
            chunk = await self._next()
            self._left -= len(chunk)
            if self._left < 0:
                raise SizeMismatchError("More bytes came than Upload-Length announced: begin a new upload.")
            buffer += chunk
            if buffer and asyncio.get_running_loop().time() >= until:
                break
        return bytes(buffer)

    async def _next(self) -> bytes:
        try:
            async with asyncio.timeout(self._silent_seconds):
                chunk = await anext(self._stream, None)
        except CutOffError as error:
            self.cut, chunk = error, None
        except TimeoutError:
            sentence = (
                f"Nothing came for {self._silent_seconds:g} seconds: ask with HEAD what is here, and send the rest."
            )
            self.cut, chunk = SilentClientError(sentence, headers={"Connection": "close"}), None
        self.over = chunk is None
        return chunk or b""


@dataclass(slots=True, kw_only=True)
class Appending:
    """One request that adds to an upload."""

    context: Context
    principal: Principal
    upload: StagedUpload
    inflow: Inflow
    checksum: PieceChecksum | None
    at: int
    """Where the next byte goes."""
    parts: list[StagedPart] = field(default_factory=list)
    """Durable, but not counted yet."""

    async def run(self) -> Added | None:
        """Take the body in; returns the photo where this was the last of it.

        Raises:
            UploadMovedError: another request was quicker.
            PieceMismatchError: the body has another checksum; nothing of it is kept.
            CutOffError, SilentClientError: it ended early; what came is kept, unless it has a checksum of its own.
            FotofilaError: what the door refuses; that is the end of the upload.
        """
        try:
            while (part := await self.write_part()) is not None:
                self.parts.append(part)
                self.at += part.size_bytes
                if self.checksum is None and self.at < self.upload.size_bytes:
                    await self.count_parts()
            await self.check_piece()
            if self.at == self.upload.size_bytes and self.parts:
                return await self.join()
            await self.count_parts()
        except FotofilaError as error:
            if error.permanent or error is self.inflow.cut or isinstance(error, PieceMismatchError):
                await self.context.storage.delete([part.key for part in self.parts])
            raise  # what else went wrong may have been committed: those parts stay until the upload is over
        if self.inflow.cut is not None:
            raise self.inflow.cut
        return None

    async def check_piece(self) -> None:
        """Compare the checksum of a body that has one; a part of it proves nothing."""
        if self.checksum is None:
            return
        if self.inflow.cut is not None:
            raise self.inflow.cut
        self.checksum.check()

    async def write_part(self) -> StagedPart | None:
        """Write what comes as one object, up to its size or time; None at the end of the body."""
        until = asyncio.get_running_loop().time() + PART_SECONDS
        buffer = await self.inflow.take(until)
        if not buffer:
            return None
        if self.at == 0:
            await self.look_at(buffer)
        key, size = f"{self.upload.prefix}{self.at:015d}-{new_id()}", 0
        async with self.context.storage.open_writer(key, if_absent=True) as writer:
            while buffer:
                if self.checksum is not None:
                    self.checksum.digest.update(buffer)
                await writer.write(buffer)
                size += len(buffer)
                if size >= PART_BYTES or asyncio.get_running_loop().time() >= until:
                    break
                buffer = await self.inflow.take(until)
            await writer.commit()
        return StagedPart(upload_id=self.upload.id, start_bytes=self.at, size_bytes=size, key=key)

    async def look_at(self, buffer: bytes) -> None:
        """Refuse at the door what is no photo, before the rest is sent; too little of it says nothing yet."""
        if len(buffer) < min(HEAD_BYTES, self.upload.size_bytes):
            return
        try:
            sniff(
                buffer[:HEAD_BYTES], declared_type=self.upload.media_type, pixel_cap=limits_of(self.context).max_pixels
            )
        except FotofilaError as error:
            await refuse(self.context, self.upload, error)
            raise

    async def count_parts(self) -> None:
        """Make what is durable count."""
        if not self.parts:
            return
        now = self.context.clock.now()
        async with self.context.db.write() as session:
            counted = await session.execute(
                update(StagedUpload)
                .where(
                    StagedUpload.id == self.upload.id,
                    StagedUpload.state == OPEN,
                    StagedUpload.offset_bytes == self.parts[0].start_bytes,
                )
                .values(offset_bytes=self.at, expires_at=now + kept_for(self.context))
            )
            if cast("CursorResult[Any]", counted).rowcount == 0:
                raise moved()
            session.add_all(self.parts)
        self.upload.offset_bytes, self.upload.expires_at = self.at, now + kept_for(self.context)
        self.parts.clear()

    async def join(self) -> Added:
        """Join all parts to an original, and make it a photo."""
        try:
            received = await receive(
                self.context.storage,
                self.whole(),
                owner=self.upload.owner,
                filename=self.upload.filename,
                declared_type=self.upload.media_type,
                limits=limits_of(self.context),
            )
        except ObjectNotFoundError as error:  # another request has finished, or ended, the upload
            raise moved() from error
        except FotofilaError as error:
            if error.permanent and not isinstance(error, (ConflictError, NotFoundError)):
                await refuse(self.context, self.upload, error)
            raise
        try:
            check_announced(self.upload, size_bytes=received.size_bytes, checksum_sha256=received.checksum_sha256)
        except InvalidInputError as error:
            await self.context.storage.delete([received.key])
            await refuse(self.context, self.upload, error)
            raise
        added = await finish(self.context, self.principal, self.upload, received)
        self.parts.clear()
        return added

    async def whole(self) -> AsyncIterator[bytes]:
        """Give the file from its first byte to its last."""
        async with self.context.db.read() as session:
            query = select(StagedPart).where(StagedPart.upload_id == self.upload.id).order_by(StagedPart.start_bytes)
            counted = (await session.scalars(query)).all()
        at = 0
        for part in (*counted, *self.parts):
            if part.start_bytes != at:
                raise moved()
            at += part.size_bytes
            async for chunk in self.context.storage.get_range(part.key):
                yield chunk


async def append(
    context: Context,
    principal: Principal,
    upload: StagedUpload,
    stream: AsyncIterator[bytes],
    *,
    checksum: PieceChecksum | None,
) -> Added | None:
    """Add a body to an upload; see `Appending.run`. The upload's offset is where it is, afterwards."""
    appending = Appending(
        context=context,
        principal=principal,
        upload=upload,
        inflow=Inflow(stream, upload.size_bytes - upload.offset_bytes),
        checksum=checksum,
        at=upload.offset_bytes,
    )
    added = await appending.run()
    if added is not None:
        upload.offset_bytes = upload.size_bytes
    return added
