"""What should not be there harms nobody: poison in every lane, a zombie, a worker of an older version."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path

import pytest
from sqlalchemy import select

from fotofila.core.ids import new_id
from fotofila.core.jobs.messages import Finished, ProcessMessage, Source
from fotofila.core.jobs.models import Job, TimelineEntry
from fotofila.core.queue import Outgoing
from tests.e2e.kill_verdict import LANES, judge, wait_until_over
from tests.e2e.matrix_cells import CELL_SECONDS, LOOK_SECONDS, SEED, read_jobs, wait_until_final
from tests.e2e.matrix_fleet import LEASE_SECONDS, Fleet, running_fleet, stop_all
from tests.e2e.matrix_parts import embedded, servers
from tests.e2e.processes import Member, members

PARTS = {"embedded": embedded, "servers": servers}

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.mark.parametrize("kind", PARTS)
async def test_what_should_not_be_there_harms_nobody(kind: str, tmp_path: Path) -> None:
    async with PARTS[kind](tmp_path, seed=SEED) as parts, running_fleet(tmp_path, parts, each=0, seed=SEED) as fleet:
        await poison_every_lane(fleet)
        await let_a_zombie_come_back(fleet)
        await let_an_older_worker_take_part(fleet)
        await wait_until_over(fleet.context, seconds=CELL_SECONDS)
        await stop_all(fleet)
        states = await judge(fleet.context, fleet.client.accepted, names={"noop.txt"})
        assert set(states) == {"done", "crashed"}


def forged(**changes: object) -> bytes:
    """Write a message about a job that was never made, in good order otherwise."""
    photo_id = new_id()
    source = Source(photo_id=photo_id, key="originals/none/none", media_type="", size_bytes=1, checksum_sha256="")
    fields = {
        "id": new_id(),
        "kind": "noop",
        "kind_version": 1,
        "job_id": new_id(),
        "owner": new_id(),
        "round": 1,
        "attempt": 1,
        "dispatch": 1,
        "created_at": "2026-01-01T00:00:00Z",
    }
    process = ProcessMessage.model_validate(
        {**fields, "lane": "process", "max_attempts": 2, "args": {}, "source": source, **changes}
    )
    return process.dump()


async def poison_every_lane(fleet: Fleet) -> None:
    """What cannot be read, and what can but is about nothing, is set aside; photos go on, one that kills included."""
    finished = Finished.model_validate_json(forged(execution_id=new_id())).dump()
    for lane in LANES:
        payloads = [b"", b"no json", b'{"schema": 1}', forged(), forged(job_id="../../etc"), finished]
        await fleet.context.queue.enqueue(lane, [Outgoing(payload=payload) for payload in payloads])
    accepted = [*await fleet.upload(1, order=b"fotofila:crash"), *await fleet.upload(3, order=b"")]
    await wait_until_final(fleet, accepted, what="poison")


async def let_a_zombie_come_back(fleet: Fleet) -> None:
    """A worker sleeps over its lease; another does the work; the first wakes up with a result of its own."""
    (one,) = fleet.of("worker")
    other = dataclasses.replace(one, name="worker-1", log=one.log.with_name("worker-1.log"), process=None)
    with members(other):
        await other.wait_ready()
        accepted = await fleet.upload(1, order=b"fotofila:sleep=3")
        zombie = await who_began(fleet, accepted[0].job_id, (one, other))
        zombie.freeze()
        await wait_until_final(fleet, accepted, what="zombie")
        (winner,) = await read_jobs(fleet, select(Job).where(Job.id == accepted[0].job_id))
        zombie.thaw()
        await asyncio.sleep(LEASE_SECONDS)  # it says what it has to say
        assert zombie.is_ready(), "it lives"
        await wait_until_over(fleet.context, seconds=CELL_SECONDS)
        (still,) = await read_jobs(fleet, select(Job).where(Job.id == accepted[0].job_id))
        assert (still.state, still.execution_id, still.finished_at) == ("done", winner.execution_id, winner.finished_at)
        assert await other.terminate() == 0


async def who_began(fleet: Fleet, job_id: str, workers: tuple[Member, ...]) -> Member:
    """Wait until a worker said that it began; returns which one."""
    query = select(TimelineEntry.detail).where(TimelineEntry.job_id == job_id, TimelineEntry.hop == "started")
    async with asyncio.timeout(CELL_SECONDS):
        while True:
            async with fleet.context.db.read() as session:
                told = await session.scalar(query)
            if told:
                return next(each for each in workers if told["worker"].endswith(f":{each.running.pid}"))
            await asyncio.sleep(LOOK_SECONDS)


async def let_an_older_worker_take_part(fleet: Fleet) -> None:
    """It puts back what it does not know, and that costs the photo no attempt."""
    (current,) = fleet.of("worker")
    older = dataclasses.replace(
        current,
        name="worker-old",
        log=current.log.with_name("worker-old.log"),
        environment={**current.environment, "FOTOFILA_CAPABILITIES": "library,access,notify"},
        process=None,
    )
    assert await current.terminate() == 0
    with members(older):
        await older.wait_ready()
        accepted = await fleet.upload(3, order=b"")
        ids = {one.job_id for one in accepted}
        async with asyncio.timeout(CELL_SECONDS):
            while any(job.dispatch < 3 for job in await read_jobs(fleet, select(Job).where(Job.id.in_(ids)))):  # noqa: ASYNC110
                await asyncio.sleep(LOOK_SECONDS)
        current.start()
        await wait_until_final(fleet, accepted, what="older worker")
        assert await older.terminate() == 0
    jobs = await read_jobs(fleet, select(Job).where(Job.id.in_(ids)))
    assert {(job.state, job.attempt) for job in jobs} == {("done", 1)}
