"""The history, single photos, their pictures, and export."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from fotofila.api.deps import SECURITY, ContextDep, Editor, Reader, ReadSession, WriteSession
from fotofila.api.paging import Cursor, Limit, Page
from fotofila.core.capability import Context, load
from fotofila.core.errors import NotFoundError
from fotofila.core.jobs.models import Job
from fotofila.library.add import analyze_again
from fotofila.library.delete import delete_photo
from fotofila.library.export import export_csv, export_json
from fotofila.library.find import find_owned
from fotofila.library.history import Filter, history_page
from fotofila.library.models import Photo, Rendition
from fotofila.library.schemas import JobOut, PhotoDetail, PhotoOut
from fotofila.library.serving import serve_object
from fotofila.library.upload import wished
from fotofila.library.upload_routes import CollectionName, SearchWay
from fotofila.library.views import job_out, photo_detail, photo_out

router = APIRouter(prefix="/api/photos", tags=["photos"], dependencies=[*SECURITY])


class Size(StrEnum):
    """Long side of a picture, in pixels."""

    ORIGINAL = "original"
    LARGE = "1024"
    SMALL = "256"


class ExportFormat(StrEnum):
    """Form of an export."""

    CSV = "csv"
    JSON = "json"


@router.get("", operation_id="list_photos", summary="The history of photos")
async def list_photos(
    session: ReadSession, principal: Reader, wanted: Filter, limit: Limit = 50, cursor: Cursor = None
) -> Page[PhotoOut]:
    """Return photos, newest first."""
    rows, following = await history_page(session, principal.owner, wanted, limit=limit, cursor=cursor)
    return Page(items=[photo_out(photo, job) for photo, job in rows], next_cursor=following)


@router.get("/export", operation_id="export_photos", summary="The history as a file", response_class=StreamingResponse)
async def export_photos(
    context: ContextDep,
    principal: Reader,
    wanted: Filter,
    format: ExportFormat = ExportFormat.CSV,  # noqa: A002
) -> StreamingResponse:
    """Stream the history, with the same filters as the list, as CSV or JSON."""
    make = export_csv if format is ExportFormat.CSV else export_json
    media_type = "text/csv; charset=utf-8" if format is ExportFormat.CSV else "application/json"
    headers = {"Content-Disposition": f'attachment; filename="photos.{format.value}"'}
    return StreamingResponse(make(context, principal.owner, wanted), media_type=media_type, headers=headers)


@router.get("/{photo_id}", operation_id="get_photo", summary="A photo and what was found in it")
async def get_photo(photo_id: str, context: ContextDep, session: ReadSession, principal: Reader) -> PhotoDetail:
    """Return a photo with its faces and EXIF."""
    photo = await find_owned(session, Photo, photo_id, principal.owner, "photo")
    found: dict[str, Any] = {}
    for capability in context.capabilities:
        if capability.photo_detail is not None:
            found |= await load(capability.photo_detail)(session, photo.id)
    return photo_detail(photo, await session.get(Job, photo.job_id), found)


@router.delete("/{photo_id}", status_code=204, operation_id="delete_photo", summary="Delete a photo")
async def remove_photo(photo_id: str, context: ContextDep, session: WriteSession, principal: Editor) -> None:
    """Delete a photo, everything found in it and everything made from it; files go with the next sweep."""
    photo = await find_owned(session, Photo, photo_id, principal.owner, "photo")
    await delete_photo(session, photo, now=context.clock.now())


@router.post("/{photo_id}/analyze", status_code=202, operation_id="analyze_photo", summary="Analyse a photo again")
async def analyze_photo(
    photo_id: str,
    context: ContextDep,
    session: WriteSession,
    principal: Editor,
    collection: CollectionName = None,
    search: SearchWay = None,
) -> JobOut:
    """Start a new job with the settings of now; while one runs, that one is answered."""
    photo = await find_owned(session, Photo, photo_id, principal.owner, "photo", hold=True)
    return job_out(await analyze_again(session, context, photo, search=wished(principal, collection, search)))


PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/*": {"schema": {"type": "string", "format": "binary"}}}, "description": "Bytes."},
    307: {"description": "A signed link of minutes, where the storage hands out such links."},
}


@router.get(
    "/{photo_id}/image",
    operation_id="get_photo_image",
    summary="The picture",
    response_class=Response,
    responses=PICTURE,
)
async def get_image(
    photo_id: str,
    request: Request,
    context: ContextDep,
    principal: Reader,
    size: Annotated[
        Size, Query(description="The original, or the long side of a thumbnail in pixels.")
    ] = Size.ORIGINAL,
) -> Response:
    """Return the original, or a thumbnail in WebP; ranges and ETags are honoured, here or where the link leads."""
    key, media_type, name = await find_image(context, principal.owner, photo_id, size)
    return await serve_object(context, request, key=key, media_type=media_type, filename=name)


@router.get(
    "/{photo_id}/annotated",
    operation_id="get_photo_annotated",
    summary="The picture with what was found drawn on it",
    response_class=Response,
    responses=PICTURE,
)
async def get_annotated(photo_id: str, request: Request, context: ContextDep, principal: Reader) -> Response:
    """Return the annotated picture in WebP."""
    key, media_type = await find_rendition(context, principal.owner, photo_id, "annotated.webp")
    return await serve_object(context, request, key=key, media_type=media_type, filename="annotated.webp")


async def find_image(context: Context, owner: str, photo_id: str, size: Size) -> tuple[str, str, str]:
    """Return key, media type and file name of a picture."""
    if size is not Size.ORIGINAL:
        key, media_type = await find_rendition(context, owner, photo_id, f"{size.value}.webp")
        return key, media_type, f"{size.value}.webp"
    async with context.db.read() as session:
        photo = await find_owned(session, Photo, photo_id, owner, "photo")
    return photo.original_key, photo.media_type, photo.filename


async def find_rendition(context: Context, owner: str, photo_id: str, name: str) -> tuple[str, str]:
    """Return key and media type of a rendition."""
    async with context.db.read() as session:
        photo = await find_owned(session, Photo, photo_id, owner, "photo")
        rendition = await session.get(Rendition, (photo.id, name))
    if rendition is None:
        raise NotFoundError("This picture is not made yet, or the photo failed: look at its job.")
    return rendition.key, rendition.media_type
