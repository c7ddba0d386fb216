"""The failure matrix, by role: each one dies, and each one freezes for longer than its lease and comes back.

`FOTOFILA_TEST_SEED` repeats a run.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from sqlalchemy import Select, func, select, update

from fotofila.core.jobs.models import Job
from fotofila.core.jobs.states import FINAL
from fotofila.notify.models import Notification
from tests.e2e.conftest import Tell
from tests.e2e.kill_client import Accepted
from tests.e2e.kill_verdict import judge, wait_until_over
from tests.e2e.matrix_fleet import LEASE_SECONDS, ROLES, Fleet, running_fleet, stop_all
from tests.e2e.matrix_parts import Parts, embedded
from tests.e2e.processes import Member

SEED = int(os.environ.get("FOTOFILA_TEST_SEED", str(secrets.randbelow(10**6))))
PHOTOS = 8
LONG_ENOUGH = LEASE_SECONDS * 1.6
CELL_SECONDS = 60
DRAIN_SECONDS = 90
LOOK_SECONDS = 0.2

Fault = Callable[[Member], Awaitable[None]]

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


async def die(member: Member) -> None:
    """End without a word, and be started again a moment later."""
    member.kill()
    await asyncio.sleep(LEASE_SECONDS / 2)
    member.start()


async def freeze(member: Member) -> None:
    """Be away for longer than any lease, then go on as if nothing had been."""
    member.freeze()
    await asyncio.sleep(LONG_ENOUGH)
    member.thaw()


FAULTS: tuple[Fault, ...] = (die, freeze)
PARTS: dict[str, Callable[[Path], AbstractAsyncContextManager[Parts]]] = {"embedded": embedded}


@pytest.mark.parametrize("kind", PARTS)
async def test_no_role_is_missed_when_it_dies_or_freezes(kind: str, tmp_path: Path, tell: Tell) -> None:
    tell(f"FOTOFILA_TEST_SEED={SEED}")
    began = time.monotonic()
    async with PARTS[kind](tmp_path) as parts, running_fleet(tmp_path, parts, each=2, seed=SEED) as fleet:
        for role in ROLES:
            for fault in FAULTS:
                await run_cell(fleet, role, fault, tell)
        await wait_until_over(fleet.context, seconds=DRAIN_SECONDS)
        await hear_everything(fleet)
        await stop_all(fleet)
        states = await judge(fleet.context, fleet.client.accepted, names={"noop.txt"})
        await judge_notifications(fleet)
    told = dict(fleet.client.told)
    tell(
        f"{kind}: {len(fleet.client.accepted)} photos: {dict(states)}; client {told}; {time.monotonic() - began:.0f} s"
    )


async def run_cell(fleet: Fleet, role: str, fault: Fault, tell: Tell) -> None:
    """Break one process of a role while photos come in; all of them must end all the same."""
    began = time.monotonic()
    victim = fleet.of(role)[0]
    await victim.wait_ready()
    async with asyncio.TaskGroup() as tasks:
        uploads = [tasks.create_task(fleet.upload(PHOTOS // 2)) for _ in range(2)]
        await asyncio.sleep(0.1)
        await fault(victim)
    accepted = [one for task in uploads for one in task.result()]
    await wait_until_final(fleet, accepted, what=f"{role} {fault.__name__}")
    tell(f"{role}, {fault.__name__}: {len(accepted)} photos over after {time.monotonic() - began:.1f} s")


async def wait_until_final(fleet: Fleet, accepted: list[Accepted], *, what: str) -> None:
    """Wait until some jobs are over."""
    ids = {one.job_id for one in accepted}
    query = select(Job).where(Job.id.in_(ids), Job.state.not_in(FINAL))
    try:
        async with asyncio.timeout(CELL_SECONDS):
            while open_jobs := await read_jobs(fleet, query):  # noqa: ASYNC110 - of other processes no event tells
                await asyncio.sleep(LOOK_SECONDS)
    except TimeoutError:
        shown = [(job.id, job.state, job.lane, job.attempt, job.dispatch) for job in open_jobs]
        raise AssertionError(f"{what}: not over after {CELL_SECONDS} seconds: {shown}") from None


async def read_jobs(fleet: Fleet, query: Select[Job]) -> Sequence[Job]:
    """Read some jobs."""
    async with fleet.context.db.read() as session:
        return (await session.scalars(query)).all()


async def hear_everything(fleet: Fleet) -> None:
    """Wait until every notification is out, as if the lease of those whose sender died were over: it is 90 seconds."""
    claimed = update(Notification).where(Notification.state == "pending").values(lease_until=None)
    async with fleet.context.db.write() as session:
        await session.execute(claimed)
    pending = select(func.count()).where(Notification.state == "pending")
    async with asyncio.timeout(CELL_SECONDS):
        while True:
            async with fleet.context.db.read() as session:
                if not await session.scalar(pending):
                    return
            await asyncio.sleep(LOOK_SECONDS)


async def judge_notifications(fleet: Fleet) -> None:
    """Assert that each end was told under one id, as often as it may be, but told."""
    ended = {job.id: f"job.{job.state}" for job in await read_jobs(fleet, select(Job).where(Job.state != "cancelled"))}
    assert set(ended) - set(fleet.hooks.ids) == set(), "nobody was told"
    assert {job_id: fleet.hooks.types[job_id] for job_id in ended} == ended
    assert all(len(ids) == 1 for ids in fleet.hooks.ids.values()), "one event came under two ids"
