"""The states of a job: `pending → queued → running → (waiting → queued)* → done | failed | cancelled`."""

from __future__ import annotations

from enum import StrEnum


class JobState(StrEnum):
    """Where a job is."""

    PENDING = "pending"
    """In the outbox for the first time."""
    QUEUED = "queued"
    """In the queue."""
    RUNNING = "running"
    """A worker said that it began."""
    WAITING = "waiting"
    """Waits for its next attempt."""
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINAL = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})
OPEN = frozenset(JobState) - FINAL
