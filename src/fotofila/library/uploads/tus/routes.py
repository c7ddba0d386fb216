"""`/api/uploads/tus/`: resumable uploads. What a finished one became, `POST /api/uploads/{id}/complete` tells."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Request, Response

from fotofila.api.deps import SECURITY, ContextDep, Editor, LargeBody
from fotofila.api.request_info import request_info
from fotofila.core.capability import Context, Principal
from fotofila.core.errors import BadRequestError, TooLargeError
from fotofila.library.add import Added
from fotofila.library.upload_routes import stream_of
from fotofila.library.uploads.begin import Announced, begin, demand_open, find_upload
from fotofila.library.uploads.errors import UploadMovedError
from fotofila.library.uploads.finish import end
from fotofila.library.uploads.models import DONE, TUS, StagedUpload
from fotofila.library.uploads.tus import protocol
from fotofila.library.uploads.tus.append import append

PREFIX = "/api/uploads/tus"


async def speak_tus(request: Request) -> None:
    """Have every answer carry the version, problems too."""
    request_info(request.scope).headers["Tus-Resumable"] = protocol.VERSION


router = APIRouter(prefix=PREFIX, tags=["uploads"], dependencies=[Depends(speak_tus)])

UploadId = Annotated[str, Path(max_length=64)]
Version = Annotated[str | None, Header(alias="Tus-Resumable", description="`1.0.0`, in every request.", max_length=16)]
Text = Annotated[str | None, Header(max_length=8192)]
PIECE = {"content": {protocol.CONTENT_TYPE: {"schema": {"type": "string", "format": "binary"}}}}
ADDS = [*SECURITY, LargeBody]


@router.options("", status_code=204, include_in_schema=False)
@router.options("/", status_code=204, include_in_schema=False)
@router.options("/{upload_id}", status_code=204, include_in_schema=False)
async def offer_tus(context: ContextDep) -> Response:
    """Say what is offered; this needs no credentials, and tells nothing of anybody."""
    headers = {
        "Tus-Version": protocol.VERSION,
        "Tus-Extension": protocol.EXTENSIONS,
        "Tus-Max-Size": str(context.settings.max_upload_bytes),
        "Tus-Checksum-Algorithm": ",".join(protocol.ALGORITHMS),
    }
    return Response(status_code=204, headers=headers)


@router.post("", status_code=201, include_in_schema=False, dependencies=ADDS)
@router.post(
    "/",
    status_code=201,
    operation_id="begin_tus_upload",
    summary="Begin a resumable upload (tus creation)",
    response_class=Response,
    dependencies=ADDS,
    openapi_extra={"requestBody": PIECE},
)
async def begin_tus_upload(
    request: Request,
    context: ContextDep,
    principal: Editor,
    upload_length: Text = None,
    upload_defer_length: Text = None,
    upload_metadata: Annotated[
        str | None, Header(description="Keys: filename, batch_id, checksum_sha256 (of the whole file).")
    ] = None,
    upload_checksum: Text = None,
    tus_resumable: Version = None,
) -> Response:
    """Announce a file of `Upload-Length` bytes; the body may be its beginning, or all of it (creation-with-upload)."""
    protocol.check_version(tus_resumable)
    metadata = protocol.read_metadata(upload_metadata)
    checksum = protocol.read_checksum(upload_checksum)
    announced = Announced(
        kind=TUS,
        size_bytes=protocol.read_length(upload_length, upload_defer_length),
        filename=(metadata.get("filename") or "")[:1024] or None,
        checksum_sha256=protocol.read_announced_checksum(metadata),
        batch_id=metadata.get("batch_id") or None,
        tus_metadata=upload_metadata or None,
    )
    brings = request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers
    if brings:
        protocol.check_content_type(request.headers.get("content-type"))
    async with context.db.write() as session:
        upload = await begin(session, context, principal, announced)
    added = None
    if brings:
        check_fits(request, upload)
        added = await append(context, principal, upload, stream_of(request), checksum=checksum)
    headers = {"Location": f"{PREFIX}/{upload.id}", **told_of(upload, added.photo.id if added else None)}
    return Response(status_code=201, headers=headers)


@router.head(
    "/{upload_id}",
    operation_id="locate_tus_upload",
    summary="How much of a resumable upload is here",
    response_class=Response,
    dependencies=[*SECURITY],
)
async def locate_tus_upload(
    upload_id: UploadId, request: Request, context: ContextDep, principal: Editor, tus_resumable: Version = None
) -> Response:
    """Tell the offset up to which every byte is durable."""
    del tus_resumable
    return await locate(request, context, principal, upload_id)


async def locate(request: Request, context: Context, principal: Principal, upload_id: str) -> Response:
    """Answer HEAD."""
    upload = await find(request, context, principal, upload_id)
    demand_open(upload, now=context.clock.now())
    headers = {"Upload-Length": str(upload.size_bytes), "Cache-Control": "no-store", **told_of(upload, upload.photo_id)}
    if upload.tus_metadata is not None:
        headers["Upload-Metadata"] = upload.tus_metadata
    return Response(status_code=200, headers=headers)


@router.patch(
    "/{upload_id}",
    status_code=204,
    operation_id="continue_tus_upload",
    summary="Send the next bytes of a resumable upload",
    response_class=Response,
    dependencies=ADDS,
    openapi_extra={"requestBody": {**PIECE, "required": True}},
)
async def continue_tus_upload(
    upload_id: UploadId,
    request: Request,
    context: ContextDep,
    principal: Editor,
    upload_offset: Text = None,
    upload_checksum: Text = None,
    tus_resumable: Version = None,
) -> Response:
    """Add the body at `Upload-Offset`; with the last byte the photo is there, and `Fotofila-Photo-Id` tells its id."""
    del upload_offset, upload_checksum, tus_resumable  # for the document; read below, whatever the method was
    return await add_to(request, context, principal, upload_id)


async def add_to(request: Request, context: Context, principal: Principal, upload_id: str) -> Response:
    """Answer PATCH."""
    upload = await find(request, context, principal, upload_id)
    protocol.check_content_type(request.headers.get("content-type"))
    offset = protocol.read_number("Upload-Offset", request.headers.get("upload-offset"))
    checksum = protocol.read_checksum(request.headers.get("upload-checksum"))
    demand_open(upload, now=context.clock.now())
    if offset != upload.offset_bytes:
        raise UploadMovedError(
            f"The upload is at byte {upload.offset_bytes}, not {offset}: send what comes from there."
        )
    check_fits(request, upload)
    added = await append(context, principal, upload, stream_of(request), checksum=checksum)
    photo_id = added.photo.id if added is not None else upload.photo_id
    return Response(status_code=204, headers=told_of(upload, photo_id, added=added))


@router.delete(
    "/{upload_id}",
    status_code=204,
    operation_id="end_tus_upload",
    summary="End a resumable upload (tus termination)",
    response_class=Response,
    dependencies=[*SECURITY],
)
async def end_tus_upload(
    upload_id: UploadId, request: Request, context: ContextDep, principal: Editor, tus_resumable: Version = None
) -> Response:
    """Forget the upload and what was sent of it; a photo that came of it stays."""
    del tus_resumable
    return await terminate(request, context, principal, upload_id)


async def terminate(request: Request, context: Context, principal: Principal, upload_id: str) -> Response:
    """Answer DELETE."""
    await end(context, await find(request, context, principal, upload_id))
    return Response(status_code=204)


@router.post("/{upload_id}", include_in_schema=False, dependencies=ADDS)
async def override_method(upload_id: UploadId, request: Request, context: ContextDep, principal: Editor) -> Response:
    """Do what `X-HTTP-Method-Override` says, for networks that let only GET and POST through."""
    match request.headers.get("x-http-method-override", "").upper():
        case "PATCH":
            return await add_to(request, context, principal, upload_id)
        case "HEAD":
            return await locate(request, context, principal, upload_id)
        case "DELETE":
            return await terminate(request, context, principal, upload_id)
    raise BadRequestError("POST here needs the header X-HTTP-Method-Override: PATCH, HEAD or DELETE.")


async def find(request: Request, context: Context, principal: Principal, upload_id: str) -> StagedUpload:
    """Return a resumable upload; only then the version is looked at, so that a stranger is told nothing else than 404.

    Raises:
        NotFoundError, TusVersionError
    """
    async with context.db.read() as session:
        upload = await find_upload(session, upload_id, principal.owner, kind=TUS)
    protocol.check_version(request.headers.get("tus-resumable"))
    return upload


def check_fits(request: Request, upload: StagedUpload) -> None:
    """Refuse a body that says it is longer than what is missing, before it is read.

    Raises:
        TooLargeError
    """
    declared, left = request.headers.get("content-length", ""), upload.size_bytes - upload.offset_bytes
    if declared.isdecimal() and int(declared) > left:
        raise TooLargeError(f"The body has {declared} bytes, the upload misses {left}: send no more than it announced.")


def told_of(upload: StagedUpload, photo_id: str | None, *, added: Added | None = None) -> dict[str, str]:
    """Return the headers that tell how an upload stands."""
    headers = {"Upload-Offset": str(upload.offset_bytes)}
    if photo_id is not None:
        return {**headers, "Fotofila-Photo-Id": photo_id}
    if upload.state != DONE and added is None:
        headers["Upload-Expires"] = protocol.http_date(upload.expires_at)
    return headers
