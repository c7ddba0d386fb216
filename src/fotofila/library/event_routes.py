"""`GET /api/events`: what happens, as it is committed (Server-Sent Events, WHATWG HTML, section 9.2)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

import orjson
from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse
from sqlalchemy import func, select

from fotofila.api.deps import SECURITY, ContextDep, Reader
from fotofila.core.capability import Context
from fotofila.core.events.models import Event
from fotofila.core.events.service import events_after

router = APIRouter(prefix="/api/events", tags=["events"], dependencies=[*SECURITY])

HEARTBEAT_SECONDS = 15.0


@router.get(
    "",
    operation_id="stream_events",
    summary="Events as they happen",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}, "description": "A stream."}},
)
async def stream_events(
    request: Request,
    context: ContextDep,
    principal: Reader,
    last_event_id: Annotated[
        int | None, Query(ge=0, description="Where to go on; the header has the last word.")
    ] = None,
    resume: Annotated[str | None, Header(alias="Last-Event-ID", pattern=r"^\d{1,18}$")] = None,
) -> StreamingResponse:
    """Stream the workspace's events; a client that comes back with the last id it saw misses none."""
    after = int(resume) if resume is not None else last_event_id
    if after is None:  # read before the answer begins: who sees that the stream is open misses nothing from then on
        after = await newest(context)
    body = stream(request, context, principal.owner, after)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(body, media_type="text/event-stream", headers=headers)


async def stream(request: Request, context: Context, owner: str, after: int) -> AsyncIterator[bytes]:
    """Give events until the client goes away; no transaction is open in between."""
    last = after
    yield b"retry: 2000\n\n"
    spoken = context.clock.now()
    while not await request.is_disconnected():
        mark = context.db.changes.mark()
        async with context.db.read() as session:
            events = await events_after(session, after_id=last, owner=owner)
        if events:
            last = events[-1].id
            yield b"".join(shape(event) for event in events)
            spoken = context.clock.now()
            continue
        if (context.clock.now() - spoken).total_seconds() >= HEARTBEAT_SECONDS:
            yield b": still here\n\n"
            spoken = context.clock.now()
        await context.db.changes.wait(1.0, since=mark)


async def newest(context: Context) -> int:
    """Return the id of the newest event of all."""
    async with context.db.read() as session:
        return await session.scalar(select(func.max(Event.id))) or 0


def shape(event: Event) -> bytes:
    """Write one event."""
    data = orjson.dumps(
        {
            "id": event.id,
            "type": event.type,
            "at": event.at,
            "photo_id": event.photo_id,
            "job_id": event.job_id,
            "batch_id": event.batch_id,
            "data": event.data,
        }
    )
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (event.id, event.type.encode(), data)
