"""`POST /api/photos`: the door."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.requests import ClientDisconnect

from fotofila.api.deps import SECURITY, ContextDep, Editor
from fotofila.core.capability import Context, Principal
from fotofila.library.multipart import CutOffError, Multipart, boundary_of
from fotofila.library.schemas import Analysis, Upload, UploadList
from fotofila.library.upload import Door, Incoming, take_one, take_several
from fotofila.library.waiting import wait_for_job

router = APIRouter(prefix="/api/photos", tags=["photos"], dependencies=[*SECURITY])

RAW_BODY = {
    "content": {
        "image/*": {"schema": {"type": "string", "format": "binary"}},
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["files"],
                "properties": {
                    "batch_id": {"type": "string"},
                    "files": {"type": "array", "items": {"type": "string", "format": "binary"}},
                },
            }
        },
    },
    "required": True,
}


@router.post(
    "",
    status_code=202,
    operation_id="upload_photos",
    summary="Take photos in",
    responses={200: {"model": Upload | Analysis, "description": "Known before, or analysed without being kept."}},
    openapi_extra={"requestBody": RAW_BODY},
)
async def upload_photos(
    request: Request,
    response: Response,
    context: ContextDep,
    principal: Editor,
    filename: Annotated[str | None, Query(max_length=1024, description="Name of a raw body.")] = None,
    batch_id: Annotated[str | None, Query(max_length=64)] = None,
    wait: Annotated[float, Query(ge=0, le=60, description="Seconds to wait for the result.")] = 0,
    store: Annotated[bool, Query(description="False: analyse, answer, keep nothing.")] = True,  # noqa: FBT002
) -> Upload | UploadList | Analysis:
    """Store photos and queue their analysis; `202` means that each is durable.

    The body is one file (any content type but multipart) or `multipart/form-data` with parts named `files`. One file is
    answered with its photo and job; several with a list that says of each what became of it.
    """
    door = Door(context=context, principal=principal, batch_id=batch_id, keep=store)
    body = stream_of(request)
    boundary = boundary_of(request.headers.get("content-type", ""))
    if boundary is None:
        declared = request.headers.get("content-type")
        outcome: Upload | UploadList | Analysis = await take_one(
            door, Incoming(stream=body, filename=filename, declared_type=declared)
        )
    else:
        outcome = await take_several(door, Multipart(body, boundary))
    return await answer(context, principal, response, outcome, wait)


async def answer(
    context: Context,
    principal: Principal,
    response: Response,
    outcome: Upload | UploadList | Analysis,
    wait: float,
) -> Upload | UploadList | Analysis:
    """Wait for the result where that was asked for, and set the status."""
    if isinstance(outcome, Analysis):
        response.status_code = 200
    if isinstance(outcome, Upload):
        if wait:
            deadline = context.clock.now() + timedelta(seconds=wait)
            outcome = await wait_for_job(context, principal.owner, outcome, until=deadline)
        if outcome.duplicate:
            response.status_code = 200
        response.headers["Location"] = outcome.photo.links.self
    return outcome


async def stream_of(request: Request) -> AsyncIterator[bytes]:
    """Give the body as it comes; a client that went away is a cut-off upload."""
    try:
        async for chunk in request.stream():
            if chunk:
                yield chunk
    except ClientDisconnect as error:
        raise CutOffError("The upload was cut off before its end: send it again.") from error
