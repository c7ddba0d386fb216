"""Making and sending jobs. Every function writes into the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.core.db.later import insert_later
from fotofila.core.jobs.messages import ProcessMessage, Source
from fotofila.core.jobs.models import Job, OutboxMessage, TimelineEntry
from fotofila.core.jobs.states import JobState

INSERT_JOB = insert(Job.__table__)  # type: ignore[arg-type]  # declared wider than it is
INSERT_HOP = insert(TimelineEntry.__table__)  # type: ignore[arg-type]
INSERT_MESSAGE = insert(OutboxMessage.__table__)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """What a job is made of; `args` are settled and never change again."""

    id: str
    owner: str
    kind: str
    kind_version: int
    lane: str
    args: dict[str, Any]
    max_attempts: int
    source: Source | None = None
    batch_id: str | None = None
    traceparent: str | None = None


def create_job(session: AsyncSession, new: NewJob, *, now: datetime) -> Job:
    """Add a job and the message that starts it; both are written with the commit, and the job belongs to no session."""
    values: dict[str, Any] = {
        "id": new.id,
        "owner": new.owner,
        "kind": new.kind,
        "kind_version": new.kind_version,
        "lane": new.lane,
        "state": JobState.PENDING.value,
        "photo_id": new.source.photo_id if new.source else None,
        "batch_id": new.batch_id,
        "args": new.args,
        "source": new.source.model_dump() if new.source else None,
        "round": 1,
        "attempt": 1,
        "dispatch": 1,
        "max_attempts": new.max_attempts,
        "traceparent": new.traceparent,
        "created_at": now,
    }
    job = Job(**values)
    insert_later(session, INSERT_JOB, values)
    note(session, job, "accepted", now)
    send(session, job, due_at=now, now=now)
    return job


def send(session: AsyncSession, job: Job, *, due_at: datetime, now: datetime) -> None:
    """Add the job's message, as the job is now, to the outbox."""
    message = ProcessMessage(
        id=f"{job.id}-{job.round}-{job.attempt}-{job.dispatch}",
        kind=job.kind,
        kind_version=job.kind_version,
        job_id=job.id,
        owner=job.owner,
        round=job.round,
        attempt=job.attempt,
        dispatch=job.dispatch,
        traceparent=job.traceparent,
        created_at=now,
        lane=job.lane,
        max_attempts=job.max_attempts,
        args=job.args,
        source=Source.model_validate(job.source) if job.source else None,
    )
    values = {
        "lane": job.lane,
        "owner": job.owner,
        "payload": message.dump(),
        "dedup_id": message.id,
        "job_id": job.id,
        "due_at": due_at,
        "created_at": now,
    }
    insert_later(session, INSERT_MESSAGE, values)


def note(session: AsyncSession, job: Job, hop: str, at: datetime, detail: dict[str, Any] | None = None) -> None:
    """Add a hop to the job's timeline."""
    values = {"job_id": job.id, "at": at, "hop": hop, "round": job.round, "attempt": job.attempt, "detail": detail}
    insert_later(session, INSERT_HOP, values)
