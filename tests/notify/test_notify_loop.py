"""The loop as the program runs it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from notify_parts import START, Answer, FakeClock, House, Receiver, make_context
from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.core.clock import SystemClock
from fotofila.core.db import Database
from fotofila.core.errors import UnavailableError
from fotofila.notify.loop import run
from fotofila.notify.models import Notification
from fotofila.notify.sweep import sweep_deliveries

HERE = Path(__file__).parent


async def until(receiver: Receiver, count: int) -> None:
    """Wait until so many different messages arrived."""
    while len({request.headers["webhook-id"] for request in receiver.requests}) < count:
        receiver.arrived.clear()
        await receiver.arrived.wait()


@pytest.fixture
def living(db: Database, tmp_path: Path) -> House:
    """A house with the clock of the machine."""
    clock: FakeClock = SystemClock()  # type: ignore[assignment]
    settings = {"data_dir": tmp_path, "webhooks_allow_private": True, "retry_scale": 0.0}
    return House(make_context(db, clock, **settings), clock)


async def test_loop_tells_of_events_and_ends_what_it_began(living: House, receiver: Receiver) -> None:
    target, _ = await living.webhook(receiver.url)
    await living.rule(target)
    stop = asyncio.Event()
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        tasks.create_task(run(living.context, stop))
        await living.happen(times=20)
        await until(receiver, 20)
        receiver.hold = asyncio.Event()
        receiver.arrived.clear()
        await living.happen()
        await receiver.arrived.wait()
        stop.set()
        receiver.hold.set()
    assert [delivery.state for delivery in await living.log()] == ["delivered"] * 21
    assert len(receiver.requests) == 21


class AwayDatabase(Database):
    """A database that goes away for those who write."""

    away = False
    refused = 0

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        if self.away:
            self.refused += 1
            raise UnavailableError("The database does not answer.")
        async with super().write() as session:
            yield session


async def test_what_was_sent_while_the_database_was_away_is_written_down_later(
    living: House, receiver: Receiver
) -> None:
    target, _ = await living.webhook(receiver.url)
    await living.rule(target)
    away = AwayDatabase(living.context.db.url)
    stop = asyncio.Event()
    receiver.hold = asyncio.Event()
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        tasks.create_task(run(replace(living.context, db=away), stop))
        await living.happen(times=3)
        await until(receiver, 3)
        away.away = True
        receiver.hold.set()
        while away.refused < 3:  # noqa: ASYNC110 - no event tells of a refusal
            await asyncio.sleep(0.01)
        away.away = False
        await living.happen()
        await until(receiver, 4)
        stop.set()
    await away.close()
    assert [delivery.state for delivery in await living.log()] == ["delivered"] * 4
    assert len(receiver.requests) == 4, "nothing is sent twice for it"


async def test_two_loops_tell_each_event_once(living: House, receiver: Receiver) -> None:
    target, _ = await living.webhook(receiver.url)
    await living.rule(target)
    receiver.answers = [Answer(500)] * 3
    stop = asyncio.Event()
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        for _ in range(2):
            tasks.create_task(run(living.context, stop))
        for _ in range(10):
            await living.happen(times=3)
        await until(receiver, 30)
        changes = living.context.db.changes
        mark = changes.mark()
        while any(delivery.state == "pending" for delivery in await living.log()):
            await changes.wait(1, since=mark)
            mark = changes.mark()
        stop.set()
    assert len(receiver.requests) == 33
    told = [delivery.payload["data"]["event_id"] for delivery in await living.log()]
    assert sorted(told) == list(range(1, 31))


async def test_killed_loop_loses_nothing_and_repeats_under_the_same_id(
    living: House, receiver: Receiver, tmp_path: Path
) -> None:
    """SIGKILL while a message is in the air, again and again: every event arrives, under one id each."""
    target, _ = await living.webhook(receiver.url)
    await living.rule(target)
    environment = {**os.environ, "PYTHONPATH": str(HERE)}
    command = (sys.executable, str(HERE / "notify_process.py"), str(living.context.db.url), str(tmp_path))
    for _ in range(4):
        await living.happen(times=5)
        receiver.hold = asyncio.Event()
        receiver.arrived.clear()
        process = await asyncio.create_subprocess_exec(*command, env=environment)
        async with asyncio.timeout(60):
            await receiver.arrived.wait()
        process.send_signal(signal.SIGKILL)
        await process.wait()
        receiver.hold.set()
        receiver.hold = None
        async with living.context.db.write() as session:  # the lease runs out, without waiting for it
            over = living.clock.now() - timedelta(seconds=1)
            await session.execute(
                update(Notification).where(Notification.lease_until.is_not(None)).values(lease_until=over)
            )
    await living.collect()
    await living.send()
    log = await living.log()
    assert [delivery.state for delivery in log] == ["delivered"] * 20
    events = Counter(request.json["data"]["event_id"] for request in receiver.requests)
    ids = {(request.headers["webhook-id"], request.json["data"]["event_id"]) for request in receiver.requests}
    assert set(events) == set(range(1, 21))
    assert len(ids) == 20
    assert len(receiver.requests) > 20


async def test_old_deliveries_are_swept(house: House) -> None:
    target, _ = await house.webhook("http://127.0.0.1:1/hook")
    await house.rule(target)
    await house.happen()
    await house.collect()
    house.clock.move(29 * 86_400)
    await house.happen()
    await house.collect()
    house.clock.move(2 * 86_400)
    assert await sweep_deliveries(house.context) == 1
    [kept] = await house.log()
    assert kept.created_at == START + timedelta(days=29)


async def test_delivery_whose_row_went_away_harms_nobody(house: House, receiver: Receiver) -> None:
    target, _ = await house.webhook(receiver.url)
    await house.rule(target)
    await house.happen()
    await house.collect()
    receiver.hold = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(house.send())
        await receiver.arrived.wait()
        async with house.context.db.write() as session:
            await session.execute(delete(Notification))
        receiver.hold.set()
    assert sending.result() == 1
    assert await house.log() == []
