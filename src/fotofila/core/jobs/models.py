"""The tables of the pipeline."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from fotofila.core.db import Base, Serial

ID = String(32)


class Batch(Base):
    """Photos that came together; its counts are kept by the transaction that ends each job."""

    __tablename__ = "batches"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    owner: Mapped[str] = mapped_column(ID, index=True)
    name: Mapped[str | None] = mapped_column(String(200))
    expected: Mapped[int | None]
    total: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    cancelled: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class Job(Base):
    """A unit of work on a photo.

    `round` counts redrives, `attempt` tries within a round, `dispatch` sends of one attempt.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        Index("ix_jobs_owner_created", "owner", "created_at"),
        Index("ix_jobs_state_heartbeat", "state", "heartbeat_at"),
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    owner: Mapped[str] = mapped_column(ID)
    kind: Mapped[str] = mapped_column(String(64))
    kind_version: Mapped[int]
    lane: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16), index=True)
    photo_id: Mapped[str | None] = mapped_column(ID, index=True)
    batch_id: Mapped[str | None] = mapped_column(ID, index=True)
    args: Mapped[dict[str, Any]]
    source: Mapped[dict[str, Any] | None]
    round: Mapped[int] = mapped_column(default=1)
    attempt: Mapped[int] = mapped_column(default=1)
    dispatch: Mapped[int] = mapped_column(default=1)
    max_attempts: Mapped[int]
    execution_id: Mapped[str | None] = mapped_column(ID)
    progress: Mapped[float | None]
    error: Mapped[dict[str, Any] | None]
    traceparent: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime]
    scheduled_at: Mapped[datetime | None]
    queued_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    heartbeat_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class OutboxMessage(Base):
    """A message that a committed transaction wants sent."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_due", "due_at", "id"),
        Index("ix_outbox_turn", "lane", "owner", "id"),
    )

    id: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=True)
    lane: Mapped[str] = mapped_column(String(64))
    owner: Mapped[str] = mapped_column(ID, server_default="")
    """Whose turn it takes; empty where the previous release wrote it."""
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    dedup_id: Mapped[str] = mapped_column(String(128))
    job_id: Mapped[str] = mapped_column(ID, index=True)
    due_at: Mapped[datetime]
    created_at: Mapped[datetime]


class TimelineEntry(Base):
    """One hop of a job."""

    __tablename__ = "job_timeline"

    id: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime]
    hop: Mapped[str] = mapped_column(String(32))
    round: Mapped[int]
    attempt: Mapped[int]
    detail: Mapped[dict[str, Any] | None]


class Failure(Base):
    """An execution that failed for good: told once, kept until somebody purges it."""

    __tablename__ = "failures"
    __table_args__ = (
        UniqueConstraint("job_id", "round"),
        Index("ix_failures_owner_created", "owner", "created_at"),
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    owner: Mapped[str] = mapped_column(ID)
    job_id: Mapped[str] = mapped_column(ID)
    photo_id: Mapped[str | None] = mapped_column(ID, index=True)
    kind: Mapped[str] = mapped_column(String(64))
    round: Mapped[int]
    attempt: Mapped[int]
    code: Mapped[str] = mapped_column(String(64), index=True)
    sentence: Mapped[str]
    permanent: Mapped[bool]
    stack: Mapped[str | None]
    payload: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(String(16), default="open")
    created_at: Mapped[datetime]
    redriven_at: Mapped[datetime | None]
    redrive_due_at: Mapped[datetime | None] = mapped_column(index=True)


class RedrivePolicy(Base):
    """Redrive failures of one code by themselves, after a wait, a number of times."""

    __tablename__ = "redrive_policies"

    owner: Mapped[str] = mapped_column(ID, primary_key=True)
    code: Mapped[str] = mapped_column(String(64), primary_key=True)
    wait_seconds: Mapped[int]
    times: Mapped[int]
    enabled: Mapped[bool] = mapped_column(default=True)


class Tombstone(Base):
    """A prefix of storage whose content is not wanted, now or when a late worker writes to it."""

    __tablename__ = "tombstones"

    prefix: Mapped[str] = mapped_column(String(256), primary_key=True)
    reason: Mapped[str] = mapped_column(String(32))
    created_at: Mapped[datetime] = mapped_column(index=True)
