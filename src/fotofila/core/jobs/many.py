"""Many jobs at once, without SQLAlchemy: held and read in one statement, written in another."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from fotofila.core.db.bulk import quoted
from fotofila.core.db.plain import Plain, Writes
from fotofila.core.db.sqlite_bare import readers
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
HOLD = f"SELECT {quoted(NAMES)} FROM jobs WHERE id "  # noqa: S608 - our columns


class HeldJobs:
    """Jobs that a transaction holds. They belong to no session; what changed in them is written by `add_changes`."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        self.by_id = {job.id: job for job in jobs}
        self._before = {job.id: living(job) for job in self.by_id.values()}

    def add_changes(self, together: Writes) -> None:
        """Write what changed."""
        changed = [{"id": job.id, **now} for job in self.by_id.values() if (now := living(job)) != self._before[job.id]]
        if changed:
            together.update(JOBS, changed)


async def hold_jobs(plain: Plain, job_ids: Collection[str]) -> HeldJobs:
    """Read jobs and hold them, in order of ids so that two transactions cannot deadlock."""
    query = f"{HOLD}{plain.among(1)} ORDER BY id{'' if plain.is_sqlite else ' FOR UPDATE'}"
    make = job_of_sqlite if plain.is_sqlite else job_of
    return HeldJobs([make(row) for row in await plain.rows(query, list(job_ids))])


def job_of(row: Any) -> Job:
    """Make a job of a row of PostgreSQL's driver, which reads JSON and times for itself."""
    return Job(**dict(zip(NAMES, row, strict=True)))


def job_of_sqlite(row: Any) -> Job:
    """Make a job of a row of SQLite's."""
    pairs = zip(readers(JOBS), row, strict=True)
    return Job(**{name: value if read is None else read(value) for (name, read), value in pairs})


def living(job: Job) -> dict[str, Any]:
    """Return what may have changed."""
    return {name: getattr(job, name) for name in LIVING}
