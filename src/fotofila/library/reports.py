"""Counting photos, faces and failures over time.

The database counts by hour, in which both databases agree; hours are added up to days, weeks and months here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.core.jobs.models import Failure, Job
from fotofila.core.jobs.states import JobState
from fotofila.library.models import Photo

HourRow = tuple[str, int, int, int, int]


class Step(StrEnum):
    """Length of a bucket."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    @property
    def shortest(self) -> timedelta:
        """The least time that one step takes."""
        return {
            Step.HOUR: timedelta(hours=1),
            Step.DAY: timedelta(days=1),
            Step.WEEK: timedelta(weeks=1),
            Step.MONTH: timedelta(days=28),
        }[self]

    def floor(self, at: datetime) -> datetime:
        """Return the start of the step that a time lies in; weeks begin on Monday (ISO 8601)."""
        at = at.replace(minute=0, second=0, microsecond=0)
        if self is Step.HOUR:
            return at
        at = at.replace(hour=0)
        if self is Step.WEEK:
            return at - timedelta(days=at.weekday())
        return at.replace(day=1) if self is Step.MONTH else at

    def following(self, start: datetime) -> datetime:
        """Return the start of the next step."""
        if self is Step.MONTH:
            return (start + timedelta(days=32)).replace(day=1)
        return start + self.shortest


def hour_of(session: AsyncSession) -> ColumnElement[str]:
    """Return the hour of a photo as text, `2026-11-21T09`."""
    if session.get_bind().dialect.name == "sqlite":
        return func.strftime("%Y-%m-%dT%H", Photo.created_at)
    return func.to_char(func.timezone("UTC", Photo.created_at), 'YYYY-MM-DD"T"HH24')


async def report_rows(session: AsyncSession, owner: str, since: datetime, until: datetime) -> Sequence[HourRow]:
    """Return (hour, photos, faces, done, failed) for each hour that has photos."""
    hour = hour_of(session)
    query = (
        select(
            hour,
            func.count(),
            func.coalesce(func.sum(Photo.face_count), 0),
            func.sum(case((Job.state == JobState.DONE, 1), else_=0)),
            func.sum(case((Job.state == JobState.FAILED, 1), else_=0)),
        )
        .outerjoin(Job, Job.id == Photo.job_id)
        .where(Photo.owner == owner, Photo.created_at >= since, Photo.created_at < until)
        .group_by(hour)
    )
    return [(row[0], row[1], row[2], row[3], row[4]) for row in (await session.execute(query)).all()]


def buckets_of(rows: Sequence[HourRow], since: datetime, until: datetime, step: Step) -> dict[datetime, dict[str, int]]:
    """Add hours up to steps; steps without photos are there with zeros, so that a plot shows the gap."""
    names = ("photos", "faces", "done", "failed")
    buckets: dict[datetime, dict[str, int]] = {}
    start = step.floor(since.astimezone(UTC))
    while start < until:
        buckets[start] = dict.fromkeys(names, 0)
        start = step.following(start)
    for hour, *counts in rows:
        bucket = buckets[step.floor(datetime.fromisoformat(f"{hour}:00:00+00:00"))]
        for name, count in zip(names, counts, strict=True):
            bucket[name] += count
    return buckets


async def causes_of(session: AsyncSession, owner: str, since: datetime, until: datetime) -> Sequence[tuple[str, int]]:
    """Return failures by code, most frequent first."""
    count = func.count()
    query = (
        select(Failure.code, count)
        .where(Failure.owner == owner, Failure.created_at >= since, Failure.created_at < until)
        .group_by(Failure.code)
        .order_by(count.desc(), Failure.code)
    )
    return [(row[0], row[1]) for row in (await session.execute(query)).all()]
