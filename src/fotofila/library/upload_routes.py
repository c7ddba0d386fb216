"""`POST /api/photos`: the door."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import timedelta
from typing import Annotated, Any, get_args

from fastapi import APIRouter, Query, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field, ValidationError
from starlette.requests import ClientDisconnect

from fotofila.api.deps import (
    EDITS,
    SECURITY,
    ContextDep,
    Editor,
    LargeBody,
    demand,
    get_context,
    get_principal,
    stream_body,
)
from fotofila.api.idempotency import KEY_FORM, IdempotencyKey, IdempotentRun, idempotency
from fotofila.core.capability import SearchHow
from fotofila.library.intake import Written
from fotofila.library.multipart import CutOffError, Multipart, boundary_of
from fotofila.library.schemas import Analysis, Upload, UploadList
from fotofila.library.upload import Door, Incoming, Outcome, hash_one, hash_several, take_one, take_several
from fotofila.library.waiting import wait_for_all


class Options(BaseModel):
    """The parameters of an upload that are valid; the route's own declaration says what they mean."""

    filename: Annotated[str | None, Field(max_length=1024)] = None
    batch_id: Annotated[str | None, Field(max_length=64)] = None
    wait: Annotated[float, Field(ge=0, le=60)] = 0
    store: bool = True
    collection: Annotated[str | None, Field(min_length=1, max_length=255)] = None
    search: SearchHow | None = None
    key: Annotated[str | None, Field(min_length=1, max_length=255, pattern=KEY_FORM)] = None


class UploadRoute(APIRoute):
    """Reads its parameters for itself.

    FastAPI solves nine dependencies for them, which took as long as everything that the upload does. What is not valid
    goes FastAPI's way and is answered as everywhere.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request."""
        answer_invalid = super().get_route_handler()

        async def handle(request: Request) -> Response:
            given: dict[str, str | None] = {**request.query_params, "key": request.headers.get("idempotency-key")}
            try:
                options = Options.model_validate(given)
            except ValidationError:
                return await answer_invalid(request)
            await stream_body(request)
            context = await get_context(request)
            principal = demand(await get_principal(request, context), EDITS)
            return await upload_photos(request, context, principal, **dict(options))

        return handle


router = APIRouter(prefix="/api/photos", tags=["photos"], dependencies=[*SECURITY], route_class=UploadRoute)

CollectionName = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=255,
        description="Search this collection for the faces; with an engine that keeps collections. The photo's faces "
        "tell `matches` then. Of bytes that are known, nothing is searched: analyse the photo again.",
    ),
]
SearchWay = Annotated[
    SearchHow | None,
    Query(description="Search for each face, or for the largest one and index it when nobody is like it."),
]

RAW_BODY = {
    "content": {
        "image/*": {"schema": {"type": "string", "format": "binary"}},
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["files"],
                "properties": {
                    "batch_id": {"type": "string"},
                    "collection": {"type": "string"},
                    "search": {"type": "string", "enum": [*get_args(SearchHow)]},
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
    response_model=Upload | UploadList,
    responses={200: {"model": Upload | Analysis, "description": "Known before, or analysed without being kept."}},
    dependencies=[LargeBody],
    openapi_extra={"requestBody": RAW_BODY},
)
async def upload_photos(
    request: Request,
    context: ContextDep,
    principal: Editor,
    filename: Annotated[str | None, Query(max_length=1024, description="Name of a raw body.")] = None,
    batch_id: Annotated[str | None, Query(max_length=64)] = None,
    wait: Annotated[float, Query(ge=0, le=60, description="Seconds to wait for the result.")] = 0,
    store: Annotated[bool, Query(description="False: analyse, answer, keep nothing.")] = True,  # noqa: FBT002
    collection: CollectionName = None,
    search: SearchWay = None,
    key: IdempotencyKey = None,
) -> Response:
    """Store photos and queue their analysis; `202` means that each is durable.

    The body is one file (any content type but multipart) or `multipart/form-data` with parts named `files`. One file is
    answered with its photo and job; several with a list that says of each what became of it.
    """
    content_type = request.headers.get("content-type", "")
    boundary = boundary_of(content_type)
    async with idempotency(context, principal, key, "upload_photos") as run:
        door = Door(
            context=context,
            principal=principal,
            run=run,
            batch_id=batch_id,
            keep=store,
            collection=collection,
            how=search,
        )
        body = stream_of(request)
        multipart = None if boundary is None else Multipart(body, boundary)
        incoming = Incoming(stream=body, filename=filename, declared_type=content_type or None)
        if run.known:
            await (hash_one(door, incoming) if multipart is None else hash_several(door, multipart))
            return run.replay(run.fingerprint)
        outcome: Outcome = await (take_one(door, incoming) if multipart is None else take_several(door, multipart))
        if wait:
            outcome = outcome.upload() if isinstance(outcome, Written) else outcome
            deadline = context.clock.now() + timedelta(seconds=wait)
            outcome = await wait_for_all(context, principal.owner, outcome, until=deadline)
        return await answer(run, outcome)


async def answer(run: IdempotentRun, outcome: Outcome) -> Response:
    """Write the answer, and keep it where the request has a key."""
    known = isinstance(outcome, Analysis) or (isinstance(outcome, Upload) and outcome.duplicate)
    status = 200 if known else 202
    body = outcome.json() if isinstance(outcome, Written) else outcome.model_dump_json().encode()
    if run.row is not None:
        await run.finish(fingerprint=run.fingerprint, status=status, body=body)
    headers = {}
    if isinstance(outcome, Upload | Written):
        photo_id = outcome.photo.id if isinstance(outcome, Upload) else outcome.row["id"]
        headers["Location"] = f"/api/photos/{photo_id}"
    return Response(body, status_code=status, media_type="application/json", headers=headers)


async def stream_of(request: Request) -> AsyncIterator[bytes]:
    """Give the body as it comes; a client that went away is a cut-off upload."""
    try:
        async for chunk in request.stream():
            if chunk:
                yield chunk
    except ClientDisconnect as error:
        raise CutOffError("The upload was cut off before its end: send it again.") from error
