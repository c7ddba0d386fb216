"""`GET /api/reports/photos`: photos, faces and failures over time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from fotofila.api.deps import SECURITY, ContextDep, Reader, ReadSession
from fotofila.core.capability import load
from fotofila.core.errors import InvalidInputError
from fotofila.library.history import as_utc
from fotofila.library.reports import Step, buckets_of, causes_of, report_rows
from fotofila.library.schemas import Out

router = APIRouter(prefix="/api/reports", tags=["reports"], dependencies=[*SECURITY])

DEFAULT_DAYS = 30
MAX_BUCKETS = 2000


class Bucket(Out):
    """One step of time."""

    start: datetime
    photos: int
    faces: int
    done: int
    failed: int


class Totals(Out):
    """All steps together."""

    photos: int
    faces: int
    done: int
    failed: int


class Cause(Out):
    """Failures of one code."""

    code: str
    count: int


class AgeGroup(Out):
    """Faces of an age, in years."""

    low: int
    high: int
    count: int


class GenderGroup(Out):
    """Faces of an apparent gender."""

    value: str
    count: int


class PhotoReport(Out):
    """The report."""

    since: datetime = Field(serialization_alias="from")
    until: datetime = Field(serialization_alias="to")
    by: Step
    buckets: list[Bucket]
    totals: Totals
    ages: list[AgeGroup]
    genders: list[GenderGroup]
    failures: list[Cause]


class ReportFilter(BaseModel):
    """Which time to report, and in which steps."""

    since: datetime | None = Field(None, alias="from")
    until: datetime | None = Field(None, alias="to")
    by: Step = Step.DAY


@router.get("/photos", operation_id="report_photos", summary="Photos, faces and failures over time")
async def report_photos(
    context: ContextDep, session: ReadSession, principal: Reader, wanted: Annotated[ReportFilter, Query()]
) -> PhotoReport:
    """Report the photos taken in between two times (the last 30 days unless given), in steps of UTC time."""
    until = as_utc(wanted.until) if wanted.until else context.clock.now()
    try:
        since = as_utc(wanted.since) if wanted.since else until - timedelta(days=DEFAULT_DAYS)
        count = (until - since) / wanted.by.shortest
    except OverflowError as error:
        raise InvalidInputError("The time asked for is out of range.") from error
    if since > until or count > MAX_BUCKETS:
        raise InvalidInputError(f"`from` must lie before `to`, at most {MAX_BUCKETS} steps apart: use a larger `by`.")
    buckets = buckets_of(await report_rows(session, principal.owner, since, until), since, until, wanted.by)
    extra: dict[str, Any] = {"ages": [], "genders": []}
    for capability in context.capabilities:
        if capability.report is not None:
            extra |= await load(capability.report)(session, principal.owner, since, until)
    names = ("photos", "faces", "done", "failed")
    return PhotoReport(
        since=since,
        until=until,
        by=wanted.by,
        buckets=[Bucket(start=start, **counts) for start, counts in buckets.items()],
        totals=Totals(**{name: sum(counts[name] for counts in buckets.values()) for name in names}),
        ages=extra["ages"],
        genders=extra["genders"],
        failures=[Cause(code=code, count=n) for code, n in await causes_of(session, principal.owner, since, until)],
    )
