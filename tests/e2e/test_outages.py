"""What was accepted outlives the broker: `202` means durable without it, and one that forgot everything is refilled."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import select

from fotofila.core.jobs.models import Job
from fotofila.testing.servers import NatsServer
from tests.e2e.kill_client import Accepted
from tests.e2e.kill_verdict import judge, wait_until_over
from tests.e2e.matrix_cells import CELL_SECONDS, LOOK_SECONDS, SEED, read_jobs, wait_until_final
from tests.e2e.matrix_fleet import Fleet, running_fleet, stop_all
from tests.e2e.matrix_parts import Parts, embedded, servers
from tests.e2e.processes import Member

PHOTOS = 6
PARTS = {"embedded": embedded, "servers": servers}
Lose = Callable[[Parts], None]

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@asynccontextmanager
async def small_fleet(folder: Path, kind: str) -> AsyncIterator[tuple[Parts, Fleet]]:
    """Run one process that has every role, and one worker; at the end everything must be over and in order."""
    async with PARTS[kind](folder, seed=SEED) as parts, running_fleet(folder, parts, each=0, seed=SEED) as fleet:
        yield parts, fleet
        await wait_until_over(fleet.context, seconds=CELL_SECONDS)
        await stop_all(fleet)
        await judge(fleet.context, fleet.client.accepted, names={"noop.txt"})


def the(fleet: Fleet, role: str) -> Member:
    """Return the one process of a role."""
    (member,) = fleet.of(role)
    return member


async def wait_until_queued(fleet: Fleet, accepted: list[Accepted]) -> None:
    """Wait until the relay has sent these jobs."""
    wanted = {one.job_id for one in accepted}
    async with asyncio.timeout(CELL_SECONDS):
        while wanted - {job.id for job in await read_jobs(fleet, select(Job).where(Job.state == "queued"))}:  # noqa: ASYNC110
            await asyncio.sleep(LOOK_SECONDS)


def lose_queue_file(parts: Parts) -> None:
    """Delete the queue's file, as somebody does who frees space."""
    for path in Path(parts.serving["data_dir"]).glob("queue.db*"):
        path.unlink()


def wipe_broker(parts: Parts) -> None:
    """Start the broker anew without a memory."""
    server = parts.breakable["queue"].server
    assert isinstance(server, NatsServer)
    server.kill()
    server.wipe()
    server.start()


WIPES: dict[str, Lose] = {"embedded": lose_queue_file, "servers": wipe_broker}


@pytest.mark.parametrize("kind", PARTS)
async def test_broker_that_forgot_everything_is_refilled_from_the_database(kind: str, tmp_path: Path) -> None:
    async with small_fleet(tmp_path, kind) as (parts, fleet):
        the(fleet, "worker").kill()
        accepted = await fleet.upload(PHOTOS, order=b"")
        await wait_until_queued(fleet, accepted)
        await asyncio.to_thread(WIPES[kind], parts)
        the(fleet, "worker").start()
        await wait_until_final(fleet, accepted, what=f"{kind}: broker wiped")
        jobs = await read_jobs(fleet, select(Job))
        assert {job.state for job in jobs} == {"done"}
        assert {job.attempt for job in jobs} == {1}, "it was nobody's fault"


async def test_accepted_means_durable_while_the_broker_is_down(tmp_path: Path) -> None:
    """Even when the process that accepted dies before the broker is back, and the broker comes back empty."""
    async with small_fleet(tmp_path, "servers") as (parts, fleet):
        broker = parts.breakable["queue"].server
        broker.kill()
        accepted = await fleet.upload(PHOTOS, order=b"")
        assert fleet.client.told == {"taken": PHOTOS}, "each was accepted at once"
        the(fleet, "api").kill()
        the(fleet, "worker").kill()
        shutil.rmtree(broker.folder / "jetstream", ignore_errors=True)
        await asyncio.to_thread(broker.start)
        the(fleet, "api").start()
        the(fleet, "worker").start()
        await wait_until_final(fleet, accepted, what="broker down")
        assert {job.state for job in await read_jobs(fleet, select(Job))} == {"done"}


async def test_who_starts_before_the_broker_waits_for_it(tmp_path: Path) -> None:
    """Machines come up in any order after a power cut."""
    async with small_fleet(tmp_path, "servers") as (parts, fleet):
        broker = parts.breakable["queue"].server
        for role in ("api", "worker"):
            assert await the(fleet, role).terminate() == 0
        broker.kill()
        for role in ("api", "worker"):
            the(fleet, role).start()
        await asyncio.gather(*(the(fleet, role).wait_ready() for role in ("api", "worker")))
        accepted = await fleet.upload(PHOTOS, order=b"")
        await asyncio.to_thread(broker.start)
        await wait_until_final(fleet, accepted, what="started before the broker")
