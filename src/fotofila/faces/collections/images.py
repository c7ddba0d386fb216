"""Images on their way to the engine: from the body of a request, or from a stored photo."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from types import MappingProxyType

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

LONGEST_CHARACTER = 4
"""Bytes, in UTF-8."""
NO_TEXTS: Mapping[str, int] = MappingProxyType({})
BINARY = {"type": "string", "format": "binary"}
TEXT = {"type": "string"}


def image_body(*names: str, required: bool = True, texts: Sequence[str] = ()) -> dict[str, object]:
    """Describe a body with images: raw where it is one, or a form whose parts have these names, and `texts`."""
    properties = dict.fromkeys(names, BINARY) | dict.fromkeys(texts, TEXT)
    form = {"type": "object", "required": list(names), "properties": properties}
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
    found = await read_body(request, context, names)
    return tuple(found[name] for name in names)


async def read_image_with(
    request: Request, context: Context, name: str, texts: Mapping[str, int]
) -> tuple[bytes, dict[str, str]]:
    """Return the image of a body, and the fields of a form: `texts` says how many characters each may have.

    Raises:
        BadRequestError: the image is missing, or a field is no text.
        TooLargeError: the image is larger than 64 MiB, or than the settings allow; or a field is too long.
    """
    found = await read_body(request, context, (name,), texts)
    return found[name], {text: found[text].decode() for text in texts if text in found}


async def read_body(
    request: Request, context: Context, names: tuple[str, ...], texts: Mapping[str, int] = NO_TEXTS
) -> dict[str, bytes]:
    """Read the images, and the fields of a form; raises as `read_images` does."""
    most = min(MOST_BYTES, context.settings.max_upload_bytes)
    boundary = boundary_of(request.headers.get("content-type", ""))
    stream = stream_of(request)
    if boundary is not None:
        found = await read_form(Multipart(stream, boundary), names, texts, most=most)
    elif len(names) == 1:
        found = {names[0]: await whole(stream, most=most)}
    else:
        found = {}
    if missing := [name for name in names if not found.get(name)]:
        raw = " or the image itself as the body" if len(names) == 1 else ""
        raise BadRequestError(f"There is no image {missing[0]!r}: send a multipart form with it{raw}.")
    return found


async def read_form(
    multipart: Multipart, names: tuple[str, ...], texts: Mapping[str, int], *, most: int
) -> dict[str, bytes]:
    """Read the parts that have one of the names; where one image is wanted, any file will do."""
    found: dict[str, bytes] = {}
    async for part in multipart.parts():
        is_file = part.filename is not None
        name = names[0] if len(names) == 1 and is_file else part.name
        if name in found:
            continue
        if name in names:
            found[name] = await whole(multipart.content(), most=most)
        elif name in texts and not is_file:
            found[name] = await read_text(multipart.content(), name, most=texts[name])
    return found


async def read_text(stream: AsyncIterator[bytes], name: str, *, most: int) -> bytes:
    """Read a field of a form that is a text, of at most so many characters.

    Raises:
        BadRequestError: it is none.
        TooLargeError: it has more.
    """
    try:
        content = await whole(stream, most=LONGEST_CHARACTER * most)
        fits = len(content.decode()) <= most
    except TooLargeError:
        fits = False
    except UnicodeDecodeError as error:
        raise BadRequestError(f"The field {name!r} of the form is no text in UTF-8.") from error
    if not fits:
        raise TooLargeError(f"The field {name!r} is longer than {most} characters.")
    return content


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
