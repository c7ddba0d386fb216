"""`/api/uploads`: uploads straight into the storage, and how every upload stands."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from sqlalchemy import select

from fotofila.api.deps import SECURITY, ContextDep, Editor, LargeBody, ReadSession, get_principal, require
from fotofila.api.paging import Cursor, Limit, Page, make_cursor, read_cursor
from fotofila.core.capability import Context
from fotofila.library.add import Added
from fotofila.library.schemas import Upload
from fotofila.library.upload_routes import stream_of
from fotofila.library.uploads.begin import Announced, begin, find_upload
from fotofila.library.uploads.direct import check_link, complete, sign_target, take_content
from fotofila.library.uploads.finish import end
from fotofila.library.uploads.models import DIRECT, StagedUpload
from fotofila.library.uploads.schemas import UploadIn, UploadOut, UploadTarget
from fotofila.library.views import upload_out

router = APIRouter(prefix="/api/uploads", tags=["uploads"], dependencies=[*SECURITY])

UploadId = Annotated[str, Path(max_length=64)]
ANY_BODY = {"content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}, "required": True}


@router.post("", status_code=201, operation_id="begin_upload", summary="Announce a photo, and learn where to send it")
async def begin_upload(body: UploadIn, request: Request, context: ContextDep, principal: Editor) -> UploadTarget:
    """Give one signed request that carries the bytes straight into the storage; `complete` makes a photo of them."""
    announced = Announced(kind=DIRECT, **body.model_dump())
    async with context.db.write() as session:
        upload = await begin(session, context, principal, announced)
    base_url = context.settings.public_url.rstrip("/") or str(request.base_url).rstrip("/")
    signed = await sign_target(context, upload, base_url=base_url)
    return UploadTarget(
        id=upload.id,
        method=signed.method,
        url=signed.url,
        headers=dict(signed.headers),
        fields=dict(signed.fields),
        expires_at=signed.expires_at,
    )


@router.get("", operation_id="list_uploads", summary="Uploads that were begun, newest first")
async def list_uploads(
    session: ReadSession,
    principal: Editor,
    state: Literal["open", "done", "refused"] | None = None,
    kind: Literal["direct", "tus"] | None = None,
    checksum_sha256: Annotated[str | None, Query(max_length=64)] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[UploadOut]:
    """Return one page; by its checksum a client finds what it was stopped in, without having kept anything."""
    query = select(StagedUpload).where(StagedUpload.owner == principal.owner).order_by(StagedUpload.id.desc())
    wanted = {"state": state, "kind": kind, "checksum_sha256": checksum_sha256}
    query = query.filter_by(**{name: value for name, value in wanted.items() if value is not None})
    if cursor is not None:
        query = query.where(StagedUpload.id < str(read_cursor(cursor, str)[0]))
    found = (await session.scalars(query.limit(limit + 1))).all()
    following = make_cursor(found[limit - 1].id) if len(found) > limit else None
    return Page(items=[UploadOut.model_validate(upload) for upload in found[:limit]], next_cursor=following)


@router.get("/{upload_id}", operation_id="get_upload", summary="How an upload stands")
async def get_upload(upload_id: UploadId, session: ReadSession, principal: Editor) -> UploadOut:
    """Return how much is here, and what became of it."""
    return UploadOut.model_validate(await find_upload(session, upload_id, principal.owner))


@router.delete("/{upload_id}", status_code=204, operation_id="end_upload", summary="End an upload")
async def end_upload(upload_id: UploadId, context: ContextDep, principal: Editor) -> None:
    """Forget the upload and what was sent of it; a photo that came of it stays."""
    async with context.db.read() as session:
        upload = await find_upload(session, upload_id, principal.owner)
    await end(context, upload)


@router.put(
    "/{upload_id}/content",
    status_code=204,
    operation_id="put_upload_content",
    summary="Send the bytes of a direct upload",
    dependencies=[LargeBody],
    openapi_extra={"requestBody": ANY_BODY},
)
async def put_upload_content(
    upload_id: UploadId,
    request: Request,
    context: ContextDep,
    expires: Annotated[int, Query(ge=0, le=2**40)] = 0,
    signature: Annotated[str | None, Query(max_length=256)] = None,
) -> None:
    """Take the bytes, where the storage cannot take them itself: by the link of `POST /api/uploads`, or with a key."""
    if signature is None:
        owner = await owner_of(request, context)
    else:
        check_link(context, upload_id, expires=expires, signature=signature)
        owner = None
    async with context.db.read() as session:
        found = None if owner else await session.get(StagedUpload, upload_id)
        upload = await find_upload(session, upload_id, owner or (found.owner if found else ""), kind=DIRECT)
    await take_content(context, upload, stream_of(request))


async def owner_of(request: Request, context: Context) -> str:
    """Return the workspace of a request that has no signature."""
    principal = await get_principal(request, context)
    return (await require("photos:write")(principal)).owner


@router.post(
    "/{upload_id}/complete",
    status_code=202,
    operation_id="complete_upload",
    summary="Make a photo of an upload",
    response_model=Upload,
    responses={200: {"model": Upload, "description": "The same bytes were known before."}},
)
async def complete_upload(upload_id: UploadId, context: ContextDep, principal: Editor) -> Response:
    """Verify the bytes and answer as `POST /api/photos` does; asked again it answers again."""
    async with context.db.read() as session:
        upload = await find_upload(session, upload_id, principal.owner)
    return answer(await complete(context, principal, upload))


def answer(added: Added) -> Response:
    """Answer as for any photo that was taken in."""
    shown = upload_out(added.photo, added.job, duplicate=added.duplicate)
    return Response(
        shown.model_dump_json(),
        status_code=200 if added.duplicate else 202,
        media_type="application/json",
        headers={"Location": shown.photo.links.self},
    )
