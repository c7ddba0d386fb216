"""The dead letters: look, redrive, purge."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from fotofila.api.deps import SECURITY, ContextDep, FailureDesk, ReadSession, WriteSession
from fotofila.api.paging import Cursor, Limit, Page, make_cursor, read_cursor
from fotofila.core.errors import ConflictError
from fotofila.core.events.lifecycle import redrive
from fotofila.core.jobs.models import Failure, Job
from fotofila.library.failure_schemas import FailureDetail, FailureFilter, FailureOut, Purged, Redriven, Selection
from fotofila.library.failures import failure_query, history_of, purge_selection, redrive_selection
from fotofila.library.find import find_owned
from fotofila.library.models import Photo
from fotofila.library.schemas import JobOut
from fotofila.library.views import job_out, photo_out

router = APIRouter(prefix="/api/failures", tags=["failures"], dependencies=[*SECURITY])


class ListFilter(FailureFilter):
    """Which failures to show."""

    state: Literal["open", "redriven", "purged"] | None = None


@router.get("", operation_id="list_failures", summary="Failures, newest first")
async def list_failures(
    session: ReadSession,
    principal: FailureDesk,
    wanted: Annotated[ListFilter, Query()],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[FailureOut]:
    """Return one page of failures."""
    query = failure_query(principal.owner, wanted).limit(limit + 1)
    if wanted.state is not None:
        query = query.where(Failure.state == wanted.state)
    if cursor is not None:
        query = query.where(Failure.id < str(read_cursor(cursor, str)[0]))
    found = (await session.scalars(query)).all()
    following = make_cursor(found[limit - 1].id) if len(found) > limit else None
    return Page(items=[FailureOut.model_validate(failure) for failure in found[:limit]], next_cursor=following)


@router.post("/redrive", status_code=202, operation_id="redrive_failures", summary="Redrive a selection or a filter")
async def redrive_many(body: Selection, context: ContextDep, principal: FailureDesk) -> Redriven:
    """Start a new round of every open failure that is meant; what is not open is skipped."""
    started, skipped = await redrive_selection(context, principal.owner, body)
    return Redriven(redriven=started, skipped=skipped)


@router.post("/purge", operation_id="purge_failures", summary="Put failures out of sight")
async def purge_many(body: Selection, session: WriteSession, principal: FailureDesk) -> Purged:
    """Mark open failures as purged; their photos and jobs stay."""
    return Purged(purged=await purge_selection(session, principal.owner, body))


@router.get("/{failure_id}", operation_id="get_failure", summary="Why, with the photo and the history")
async def get_failure(failure_id: str, session: ReadSession, principal: FailureDesk) -> FailureDetail:
    """Return a failure with its stack, its message, the photo and every failure of the same job."""
    failure = await find_owned(session, Failure, failure_id, principal.owner, "failure")
    photo = await session.get(Photo, failure.photo_id) if failure.photo_id else None
    job = await session.get(Job, photo.job_id) if photo else None
    return FailureDetail(
        **FailureOut.model_validate(failure).model_dump(),
        stack=failure.stack,
        payload=failure.payload,
        photo=photo_out(photo, job) if photo else None,
        history=[FailureOut.model_validate(entry) for entry in await history_of(session, failure)],
    )


@router.post("/{failure_id}/redrive", status_code=202, operation_id="redrive_failure", summary="Redrive one failure")
async def redrive_one(failure_id: str, context: ContextDep, session: WriteSession, principal: FailureDesk) -> JobOut:
    """Start a new round of the same job; of two clicks, one starts it and the other is told so (409)."""
    failure = await find_owned(session, Failure, failure_id, principal.owner, "failure")
    jobs = await redrive(session, [failure], now=context.clock.now())
    if not jobs:
        raise ConflictError(f"This failure is {failure.state} already, or its job went on: reload it.")
    return job_out(jobs[0])
