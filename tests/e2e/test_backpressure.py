"""A long queue is nobody's trouble: memory stays flat, single uploads pass, and workspaces take turns."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from pathlib import Path
from random import Random

import httpx
import psutil
import pytest
from sqlalchemy import func, select

from fotofila.access.keys import create_key
from fotofila.access.models import Workspace
from fotofila.access.scopes import SCOPES
from fotofila.access.workspaces import DEFAULT_WORKSPACE
from fotofila.core.ids import new_id
from fotofila.core.jobs.models import Job
from fotofila.core.jobs.states import OPEN
from fotofila.testing.pictures import jpeg
from tests.e2e.backlog import pour
from tests.e2e.conftest import NOOP, Tell, serving
from tests.e2e.kill_client import Client
from tests.e2e.matrix_cells import CELL_SECONDS, LOOK_SECONDS, SEED, wait_until_final
from tests.e2e.matrix_fleet import THREE_LEASES, Fleet, running_fleet
from tests.e2e.matrix_parts import embedded

WAITING = 10_000
MOST_GROWTH_MIB = 24
BACKLOG = 2000
FLOOD = 40
AT_ONCE = 4
LARGE_BYTES = 3 * 2**20

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


def resident_mib(fleet: Fleet) -> dict[str, float]:
    """Return what each process holds in memory, with its children."""
    return {
        name: sum(each.memory_info().rss for each in (psutil.Process(member.running.pid), *member.children())) / 2**20
        for name, member in fleet.members.items()
    }


async def count(fleet: Fleet, owner: str, lane: str, *states: str) -> int:
    """Count the jobs of a workspace."""
    query = select(func.count()).where(Job.owner == owner, Job.lane == lane, Job.state.in_(states))
    async with fleet.context.db.read() as session:
        return await session.scalar(query) or 0


async def test_ten_thousand_jobs_wait_and_nobody_notices(tmp_path: Path, tell: Tell) -> None:
    async with (
        embedded(tmp_path, seed=SEED) as parts,
        running_fleet(tmp_path, parts, each=1, seed=SEED, worker_lanes="process") as fleet,
    ):
        await wait_until_final(fleet, await fleet.upload(20, order=b""), what="before")
        before = resident_mib(fleet)
        await pour(fleet.context, DEFAULT_WORKSPACE, WAITING, stored=False, bulk=True)
        async with asyncio.timeout(CELL_SECONDS):
            while not await count(fleet, DEFAULT_WORKSPACE, "process.bulk", "queued"):  # noqa: ASYNC110
                await asyncio.sleep(LOOK_SECONDS)
        began = time.monotonic()
        await wait_until_final(fleet, await fleet.upload(20, order=b""), what="beside 10,000")
        seconds = time.monotonic() - began
        await asyncio.sleep(THREE_LEASES)  # the reconciler has looked at all of it, more than once
        after = resident_mib(fleet)
        queued = await count(fleet, DEFAULT_WORKSPACE, "process.bulk", "queued")
        assert await count(fleet, DEFAULT_WORKSPACE, "process.bulk", "pending", "queued") == WAITING
        assert queued <= 2 * fleet.context.settings.queue_ready, "the rest waits where it costs nothing"
        listed = await fleet.client.request("GET", "/api/photos", params={"limit": 200})
        assert len(listed.json()["items"]) == 200
        tell(f"{queued} of {WAITING} in the queue; 20 uploads beside them took {seconds:.1f} s; MiB by process:")
        for name, mib in after.items():
            tell(f"  {name}: {before[name]:.0f} → {mib:.0f}")
        assert {name: mib for name, mib in after.items() if mib > before[name] + MOST_GROWTH_MIB} == {}


async def test_workspace_with_few_jobs_does_not_wait_for_one_with_thousands(tmp_path: Path, tell: Tell) -> None:
    other = new_id()
    async with (
        embedded(tmp_path, seed=SEED) as parts,
        running_fleet(tmp_path, parts, each=0, seed=SEED, queue_ready=8) as fleet,
    ):
        now = fleet.context.clock.now()
        async with fleet.context.db.write() as session:
            session.add(Workspace(id=other, name="other", detection="fast", created_at=now))
            await session.flush()
            key = await create_key(session, owner=other, name="test", scopes=SCOPES, now=now)
        await pour(fleet.context, DEFAULT_WORKSPACE, BACKLOG, order=b"fotofila:sleep=0.1")
        headers = {"Authorization": f"Bearer {key.secret}"}
        async with httpx.AsyncClient(base_url=fleet.url, headers=headers, timeout=30) as http:
            client = Client(http=http, random=Random(SEED))
            began = time.monotonic()
            accepted = [await client.upload(order=b"") for _ in range(5)]
            await wait_until_final(fleet, accepted, what="the other workspace")
            seconds = time.monotonic() - began
        left = await count(fleet, DEFAULT_WORKSPACE, "process", *OPEN)
        tell(f"5 photos over after {seconds:.1f} s, while {left} of {BACKLOG} of the other workspace wait")
        assert left > BACKLOG / 2


async def test_flood_of_uploads_is_told_to_come_back_and_all_of_it_is_taken(tmp_path: Path, tell: Tell) -> None:
    told: Counter[str] = Counter()
    async with serving(tmp_path, **NOOP, max_uploads=AT_ONCE, workers=1) as served, served.client() as client:

        async def insist(number: int) -> str:
            body = jpeg(comment=b"%d" % number) + bytes(LARGE_BYTES)
            while True:
                answer = await client.post("/api/photos", content=body)
                told[str(answer.status_code)] += 1
                if answer.status_code == 202:
                    return str(answer.json()["photo"]["id"])
                assert (answer.status_code, answer.json()["code"]) == (503, "overloaded"), answer.text
                assert int(answer.headers["retry-after"]) > 0
                await asyncio.sleep(0.2)

        process = psutil.Process(served.member.running.pid)
        await insist(FLOOD)
        before, most = process.memory_info().rss, 0
        async with asyncio.TaskGroup() as tasks:
            uploads = [tasks.create_task(insist(number)) for number in range(FLOOD)]
            while not all(task.done() for task in uploads):
                most = max(most, process.memory_info().rss)
                assert (await client.get("/healthz")).status_code == 200
                await asyncio.sleep(LOOK_SECONDS)
        assert len({task.result() for task in uploads}) == FLOOD
    grown = (most - before) / 2**20
    tell(f"{FLOOD} uploads at once, {AT_ONCE} taken at a time: answers {dict(told)}; grew by {grown:.0f} MiB")
    assert told["503"] > 0
    assert grown < 4 * AT_ONCE + MOST_GROWTH_MIB
