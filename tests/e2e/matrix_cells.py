"""One cell of the failure matrix: something breaks while photos come in, and all of them must end all the same."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence

from sqlalchemy import Select, func, select, update

from fotofila.core.jobs.models import Job
from fotofila.core.jobs.states import FINAL
from fotofila.notify.collect import anything_new
from fotofila.notify.models import Notification
from tests.e2e.kill_client import Accepted
from tests.e2e.matrix_fleet import LEASE_SECONDS, Fleet

SEED = int(os.environ.get("FOTOFILA_TEST_SEED", str(secrets.randbelow(10**6))))
"""`FOTOFILA_TEST_SEED` repeats a run."""
UPLOADERS = 2
PHOTOS_EACH = 4
CELL_SECONDS = 60
DRAIN_SECONDS = 90
LOOK_SECONDS = 0.2
LONG_ENOUGH = LEASE_SECONDS * 1.6
"""Longer than any lease."""


async def run_cell(fleet: Fleet, break_it: Callable[[], Awaitable[None]], *, what: str) -> float:
    """Break something while photos come in, and wait until they are over; returns the seconds."""
    began = time.monotonic()
    async with asyncio.TaskGroup() as tasks:
        uploads = [tasks.create_task(fleet.upload(PHOTOS_EACH)) for _ in range(UPLOADERS)]
        await asyncio.sleep(0.1)
        await break_it()
    await wait_until_final(fleet, [one for task in uploads for one in task.result()], what=what)
    return time.monotonic() - began


async def wait_until_final(fleet: Fleet, accepted: Sequence[Accepted], *, what: str) -> None:
    """Wait until some jobs are over."""
    ids = {one.job_id for one in accepted}
    query = select(Job).where(Job.id.in_(ids), Job.state.not_in(FINAL))
    try:
        async with asyncio.timeout(CELL_SECONDS):
            while open_jobs := await read_jobs(fleet, query):  # noqa: ASYNC110 - no event tells of other processes
                await asyncio.sleep(LOOK_SECONDS)
    except TimeoutError:
        shown = [(job.id, job.state, job.lane, job.attempt, job.dispatch) for job in open_jobs]
        raise AssertionError(f"{what}: not over after {CELL_SECONDS} seconds: {shown}") from None


async def read_jobs(fleet: Fleet, query: Select[Job]) -> Sequence[Job]:
    """Read some jobs."""
    async with fleet.context.db.read() as session:
        return (await session.scalars(query)).all()


async def hear_everything(fleet: Fleet) -> None:
    """Wait until every event was noticed and every notification is out.

    Leases are ended first: those whose sender died would last for 90 seconds.
    """
    claimed = update(Notification).where(Notification.state == "pending").values(lease_until=None)
    async with fleet.context.db.write() as session:
        await session.execute(claimed)
    pending = select(func.count()).where(Notification.state == "pending")
    async with asyncio.timeout(CELL_SECONDS):
        while True:
            async with fleet.context.db.read() as session:
                if not await anything_new(session) and not await session.scalar(pending):
                    return
            await asyncio.sleep(LOOK_SECONDS)


async def judge_notifications(fleet: Fleet) -> None:
    """Assert that each end was told, as often as it may be, but under one id."""
    ended = {job.id: f"job.{job.state}" for job in await read_jobs(fleet, select(Job).where(Job.state != "cancelled"))}
    assert set(ended) - set(fleet.hooks.ids) == set(), "nobody was told"
    assert {job_id: fleet.hooks.types[job_id] for job_id in ended} == ended
    assert all(len(ids) == 1 for ids in fleet.hooks.ids.values()), "one event came under two ids"
