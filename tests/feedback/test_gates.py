from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlalchemy import func, select, update

from fotofila.core.ids import new_id
from fotofila.core.jobs.messages import read_process
from fotofila.core.jobs.models import Job, OutboxMessage
from fotofila.core.jobs.service import NewJob, create_job
from fotofila.feedback import relay
from fotofila.feedback.gates import MOST, QUICK_SECONDS, SLOW_SECONDS, Gate, Gates
from fotofila.feedback.pace import BULK_SECONDS, spare_for
from tests.feedback.conftest import Desk

LEAST = 16


async def add_jobs(desk: Desk, owner: str, count: int, *, lane: str = "process.bulk") -> list[str]:
    """Add jobs without a photo, as a capability may."""
    ids: list[str] = [new_id() for _ in range(count)]
    async with desk.context.db.write() as session:
        for job_id in ids:
            new = NewJob(id=job_id, owner=owner, kind="kept", kind_version=1, lane=lane, args={}, max_attempts=4)
            create_job(session, new, now=desk.clock.now())
    return ids


async def relay_all(desk: Desk, gates: Gates) -> int:
    """Relay until nothing more may go; returns how many went."""
    sent = 0
    while moved := await relay.relay_once(desk.context, gates):
        sent += moved
    return sent


async def received(desk: Desk, lane: str = "process.bulk") -> Sequence[str]:
    """Take everything that is in a lane; returns whose it is, in order."""
    deliveries = await desk.receive(lane, count=1000)
    await desk.context.queue.ack(deliveries)
    return [read_process(delivery.payload).owner for delivery in deliveries]


async def begin(desk: Desk, count: int) -> None:
    """Have workers begin jobs that are queued."""
    some = select(Job.id).where(Job.state == "queued").limit(count)
    async with desk.context.db.write() as session:
        await session.execute(update(Job).where(Job.id.in_(some)).values(state="running"))


async def test_backlog_waits_in_the_outbox_and_not_in_the_queue(desk: Desk) -> None:
    await add_jobs(desk, "a", 100)
    gates = Gates(least=LEAST)
    assert await relay_all(desk, gates) == LEAST
    assert (await desk.context.queue.depth("process.bulk")).ready == LEAST
    await begin(desk, LEAST // 2 - 1)
    assert await relay_all(desk, gates) == 0, "it opens when half of them are gone"
    await begin(desk, 2)
    assert await relay_all(desk, gates) > 0


async def test_shut_lane_holds_no_other_lane_up(desk: Desk) -> None:
    await add_jobs(desk, "a", 300)
    gates = Gates(least=LEAST)
    await relay_all(desk, gates)
    await add_jobs(desk, "a", 1, lane="process")
    assert await relay_all(desk, gates) == 1
    assert await received(desk, "process") == ["a"]


async def test_workspace_that_comes_later_has_its_turn(desk: Desk) -> None:
    await add_jobs(desk, "a", 100)
    gates = Gates(least=LEAST)
    await relay_all(desk, gates)
    await add_jobs(desk, "b", 3)
    await begin(desk, LEAST)
    assert await received(desk) == ["a"] * LEAST
    await relay_all(desk, gates)
    assert list(await received(desk)).count("b") == 3


async def test_workspaces_take_turns_within_a_sending(desk: Desk) -> None:
    for owner in ("a", "b", "c"):
        await add_jobs(desk, owner, 50)
    await relay_all(desk, Gates(least=12))
    assert await received(desk) == ["a", "b", "c"] * 4


async def test_more_workspaces_than_room_all_have_their_turn(desk: Desk) -> None:
    owners = [f"{number:02d}" for number in range(20)]
    for owner in owners:
        await add_jobs(desk, owner, 3)
    gates = Gates(least=8)
    seen: list[str] = []
    for _ in range(8):
        await relay.relay_once(desk.context, gates)
        await begin(desk, 100)
        seen += await received(desk)
    assert set(seen[:20]) == set(owners)


async def test_each_job_is_sent_once_however_many_there_are(desk: Desk) -> None:
    ids = {*await add_jobs(desk, "a", 150), *await add_jobs(desk, "b", 7)}
    gates, sent = Gates(least=LEAST), []
    for _ in range(100):
        await relay_all(desk, gates)
        sent += await desk.receive("process.bulk", count=1000)
        await begin(desk, 1000)
    assert sorted(read_process(one.payload).job_id for one in sent) == sorted(ids)
    async with desk.context.db.read() as session:
        assert await session.scalar(select(func.count()).select_from(OutboxMessage)) == 0


def test_gate_that_opens_at_once_lets_more_in_and_one_shut_for_long_less() -> None:
    gate = Gate(least=LEAST, limit=LEAST)
    gate.turn(full=True, now=0.0)
    gate.turn(full=False, now=QUICK_SECONDS / 2)
    assert (gate.limit, gate.credit) == (2 * LEAST, LEAST)
    gate.turn(full=True, now=1.0)
    gate.turn(full=True, now=1.0 + SLOW_SECONDS)
    gate.turn(full=False, now=1.1 + SLOW_SECONDS)
    assert gate.limit == LEAST
    gate.turn(full=True, now=10.0)
    gate.turn(full=False, now=100.0)
    assert gate.limit == LEAST, "never less than the setting says"


def test_gate_has_an_upper_end() -> None:
    gate = Gate(least=LEAST, limit=MOST)
    gate.turn(full=True, now=0.0)
    gate.turn(full=False, now=0.0)
    assert gate.limit == MOST


def test_relay_has_spare_time_while_workers_have_enough_to_do() -> None:
    gates = Gates(least=LEAST)
    gates.moved(4, queued=0, now=10.0)
    assert gates.spare_seconds == 0
    gates.moved(5, queued=10, now=10.1)
    assert gates.spare_seconds == pytest.approx(0.1), "half of what ten jobs take at the speed of five in 0.1 s"
    assert spare_for(["process"], 0.3) == 0.3
    assert spare_for(["process", "process.bulk"], 0.3) == BULK_SECONDS
