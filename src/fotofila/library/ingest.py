"""Taking a photo in: the stream goes to storage while it is hashed; nothing of a refused one is kept."""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

from fotofila.core.errors import TooLargeError
from fotofila.core.ids import new_id
from fotofila.core.images.sniff import HEAD_BYTES, Sniffed, sniff
from fotofila.core.storage import Storage
from fotofila.core.storage.base import CHUNK_BYTES

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
"""Control characters, and those that turn the direction of text and so disguise a file's ending."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What is taken."""

    max_bytes: int
    max_pixels: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """An original that is durable in storage but has no row yet."""

    photo_id: str
    key: str
    filename: str
    media_type: str
    size_bytes: int
    checksum_sha256: str


async def receive(
    storage: Storage,
    stream: AsyncIterator[bytes],
    *,
    owner: str,
    filename: str | None,
    declared_type: str | None,
    limits: Limits,
) -> Received:
    """Store a stream as an original.

    Raises:
        TooLargeError: more than `limits.max_bytes` came.
        FotofilaError: what the door refuses; see `core/images/sniff`.
    """
    chunks = Metered(stream, limits.max_bytes)
    head = await chunks.take(HEAD_BYTES)
    sniffed = sniff(head, declared_type=declared_type, pixel_cap=limits.max_pixels)
    photo_id = new_id()
    key = f"originals/{owner}/{photo_id}"
    # Not `if_absent`: the key is new, and a client that sends again what the bucket took unheard would be refused.
    async with storage.open_writer(key) as writer:
        chunk = head + await chunks.take(CHUNK_BYTES - len(head))
        while chunk:
            await writer.write(chunk)
            chunk = await chunks.take(CHUNK_BYTES)
        await writer.commit()
    return Received(
        photo_id=photo_id,
        key=key,
        filename=clean_filename(filename, sniffed),
        media_type=sniffed.media_type,
        size_bytes=chunks.size_bytes,
        checksum_sha256=chunks.checksum.hexdigest(),
    )


class Metered:
    """A stream cut anew into pieces of a wanted size, hashed and counted on the way."""

    def __init__(self, stream: AsyncIterator[bytes], max_bytes: int) -> None:
        self._stream = aiter(stream)
        self._max_bytes = max_bytes
        self._rest = b""
        self.size_bytes = 0
        self.checksum = hashlib.sha256()

    async def take(self, size: int) -> bytes:
        """Return `size` bytes, fewer only at the end."""
        parts, length = [self._rest], len(self._rest)
        while length < size:
            chunk = await anext(self._stream, None)
            if chunk is None:
                break
            self.size_bytes += len(chunk)
            if self.size_bytes > self._max_bytes:
                limit = self._max_bytes / 1024**2
                raise TooLargeError(
                    f"The file is larger than {limit:g} MB: send a smaller one, or raise FOTOFILA_MAX_UPLOAD_BYTES."
                )
            self.checksum.update(chunk)
            parts.append(chunk)
            length += len(chunk)
        whole = b"".join(parts)
        self._rest = whole[size:]
        return whole[:size]


def clean_filename(filename: str | None, sniffed: Sniffed) -> str:
    """Return a name to show, never a path: the last part, printable, at most 255 characters."""
    name = _UNPRINTABLE.sub("", (filename or "").replace("\\", "/").rsplit("/", 1)[-1]).strip()
    return name[-255:] or f"photo.{sniffed.extension}"
