"""Many jobs at once on PostgreSQL: held and read in one statement, written in another."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from fotofila.core.db.bare import Bare
from fotofila.core.db.bulk import Together, columns_of, quoted, unnested
from fotofila.core.jobs.models import Job

JOBS: Any = Job.__table__
NAMES = tuple(column.name for column in JOBS.c)
LIVING = (
    "state",
    "attempt",
    "dispatch",
    "execution_id",
    "progress",
    "error",
    "scheduled_at",
    "started_at",
    "heartbeat_at",
    "finished_at",
)
"""What changes in the life of a round."""
HOLD = f"SELECT {quoted(NAMES)} FROM jobs WHERE id = ANY($1::text[]) ORDER BY id FOR UPDATE"  # noqa: S608 - our columns
SET = ", ".join(f"{name} = new.{name}" for name in LIVING)


class HeldJobs:
    """Jobs that a transaction holds. They belong to no session; what changed in them is written by `add_changes`."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        self.by_id = {job.id: job for job in jobs}
        self._before = {job.id: living(job) for job in self.by_id.values()}

    def add_changes(self, together: Together) -> None:
        """Write what changed."""
        changed = [{"id": job.id, **now} for job in self.by_id.values() if (now := living(job)) != self._before[job.id]]
        if changed:
            together.add(update_from, columns_of(JOBS, ("id", *LIVING), changed))


def update_from(first: int) -> str:
    """Write the statement that writes changed jobs."""
    names = ("id", *LIVING)
    new = f"{unnested(JOBS, names, first)} AS new({quoted(names)})"
    return f"UPDATE jobs SET {SET} FROM {new} WHERE jobs.id = new.id"  # noqa: S608 - our columns


async def hold_jobs(bare: Bare, job_ids: Collection[str]) -> HeldJobs:
    """Read jobs and hold them, in order of ids so that two transactions cannot deadlock."""
    return HeldJobs([job_of(row) for row in await bare.rows(HOLD, list(job_ids))])


def job_of(row: Any) -> Job:
    """Make a job of a row of the driver, which reads JSON for itself."""
    return Job(**dict(zip(NAMES, row, strict=True)))


def living(job: Job) -> dict[str, Any]:
    """Return what may have changed."""
    return {name: getattr(job, name) for name in LIVING}
