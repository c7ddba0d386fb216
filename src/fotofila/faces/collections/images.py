"""Images on their way to the engine: from the body of a request, or from a stored photo."""

from __future__ import annotations

from collections.abc import AsyncIterator

from fastapi import Request

from fotofila.core.capability import Context
from fotofila.core.errors import BadRequestError, TooLargeError
from fotofila.library.find import find_owned
from fotofila.library.ingest import Metered
from fotofila.library.models import Photo
from fotofila.library.multipart import Multipart, boundary_of
from fotofila.library.upload_routes import stream_of

MOST_BYTES = 64 * 1024 * 1024
"""An image for the direct lane is whole in memory."""

BINARY = {"type": "string", "format": "binary"}


def image_body(*names: str, required: bool = True) -> dict[str, object]:
    """Describe a body with images: raw where it is one, or a form whose parts have these names."""
    form = {"type": "object", "required": list(names), "properties": dict.fromkeys(names, BINARY)}
    content: dict[str, object] = {"multipart/form-data": {"schema": form}}
    if len(names) == 1:
        content = {"image/*": {"schema": BINARY}} | content
    return {"requestBody": {"content": content, "required": required}}


async def read_images(request: Request, context: Context, *names: str) -> tuple[bytes, ...]:
    """Return the images of a body; a raw one where there is one name.

    Raises:
        BadRequestError: one is missing.
        TooLargeError: one is larger than 64 MiB, or than the settings allow.
    """
    most = min(MOST_BYTES, context.settings.max_upload_bytes)
    boundary = boundary_of(request.headers.get("content-type", ""))
    stream = stream_of(request)
    if boundary is not None:
        found = await read_form(Multipart(stream, boundary), names, most=most)
    elif len(names) == 1:
        found = {names[0]: await whole(stream, most=most)}
    else:
        found = {}
    if missing := [name for name in names if not found.get(name)]:
        raw = " or the image itself as the body" if len(names) == 1 else ""
        raise BadRequestError(f"There is no image {missing[0]!r}: send a multipart form with it{raw}.")
    return tuple(found[name] for name in names)


async def read_form(multipart: Multipart, names: tuple[str, ...], *, most: int) -> dict[str, bytes]:
    """Read the parts that have one of the names; where one is wanted, any file will do."""
    found: dict[str, bytes] = {}
    async for part in multipart.parts():
        name = names[0] if len(names) == 1 and part.filename is not None else part.name
        if name in names and name not in found:
            found[name] = await whole(multipart.content(), most=most)
    return found


async def whole(stream: AsyncIterator[bytes], *, most: int) -> bytes:
    """Read a stream into memory.

    Raises:
        TooLargeError: more than `most` bytes came.
    """
    return await Metered(stream, most).take(most + 1)


async def read_photo(context: Context, owner: str, photo_id: str) -> bytes:
    """Return the original of a stored photo.

    Raises:
        NotFoundError: the workspace has no such photo.
        TooLargeError: it is larger than 64 MiB.
    """
    async with context.db.read() as session:
        photo = await find_owned(session, Photo, photo_id, owner, "photo")
    if photo.size_bytes > MOST_BYTES:
        raise TooLargeError(f"The photo is larger than {MOST_BYTES >> 20} MB: index a smaller rendition of it.")
    return await context.storage.get(photo.original_key)
