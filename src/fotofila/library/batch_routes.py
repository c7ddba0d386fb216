"""Batches: photos that belong together, counted."""

from __future__ import annotations

from fastapi import APIRouter
from sqlalchemy import select

from fotofila.api.deps import SECURITY, ContextDep, Editor, Reader, ReadSession, WriteSession
from fotofila.api.paging import Cursor, Limit, Page, make_cursor, read_cursor
from fotofila.core.events.lifecycle import count_in_batch
from fotofila.core.ids import new_id
from fotofila.core.jobs.models import Batch
from fotofila.core.jobs.states import JobState
from fotofila.library.find import find_owned
from fotofila.library.schemas import BatchChange, BatchIn, BatchOut
from fotofila.library.views import batch_out

router = APIRouter(prefix="/api/batches", tags=["batches"], dependencies=[*SECURITY])


@router.get("", operation_id="list_batches", summary="Batches, newest first")
async def list_batches(
    context: ContextDep, session: ReadSession, principal: Reader, limit: Limit = 50, cursor: Cursor = None
) -> Page[BatchOut]:
    """Return one page of batches; ids sort by time."""
    query = select(Batch).where(Batch.owner == principal.owner).order_by(Batch.id.desc()).limit(limit + 1)
    if cursor is not None:
        query = query.where(Batch.id < str(read_cursor(cursor, str)[0]))
    found = (await session.scalars(query)).all()
    now = context.clock.now()
    following = make_cursor(found[limit - 1].id) if len(found) > limit else None
    return Page(items=[batch_out(batch, now) for batch in found[:limit]], next_cursor=following)


@router.post("", status_code=201, operation_id="create_batch", summary="Begin a batch")
async def create_batch(body: BatchIn, context: ContextDep, session: WriteSession, principal: Editor) -> BatchOut:
    """Make a batch; its id goes with each upload."""
    now = context.clock.now()
    batch = Batch(
        id=new_id(),
        owner=principal.owner,
        name=body.name,
        expected=body.expected,
        total=0,
        done=0,
        failed=0,
        cancelled=0,
        created_at=now,
    )
    session.add(batch)
    return batch_out(batch, now)


@router.get("/{batch_id}", operation_id="get_batch", summary="How far a batch is")
async def get_batch(batch_id: str, context: ContextDep, session: ReadSession, principal: Reader) -> BatchOut:
    """Return X of Y, with the time that is left."""
    batch = await find_owned(session, Batch, batch_id, principal.owner, "batch")
    return batch_out(batch, context.clock.now())


@router.patch("/{batch_id}", operation_id="change_batch", summary="Correct how many photos a batch will have")
async def change_batch(
    batch_id: str, body: BatchChange, context: ContextDep, session: WriteSession, principal: Editor
) -> BatchOut:
    """Correct the number that was expected; a batch that has all its results by that is finished, and tells so."""
    batch = await find_owned(session, Batch, batch_id, principal.owner, "batch")
    now = context.clock.now()
    batch.expected = body.expected
    await session.flush()
    if batch.total > 0:
        await count_in_batch(session, batch.id, JobState.DONE, now=now, by=0)
    return batch_out(batch, now)
