"""A client of the event stream that is cut off again and again, while several replicas write, misses nothing."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from fastapi import Request
from sqlalchemy import select

from fotofila.core.db import Database
from fotofila.core.events.models import Event
from fotofila.core.events.service import append_event
from fotofila.feedback import results
from fotofila.library.event_routes import stream
from tests.feedback.conftest import OWNER, Desk

LAST = b"event: slow-last"


class Connected:
    """A client that stays."""

    async def is_disconnected(self) -> bool:
        return False


async def read_some(desk: Desk, after: int, *, most: int, over: asyncio.Event) -> list[int]:
    """Resume the stream after an id and leave when some events have come."""
    seen: list[int] = []
    body = stream(cast("Request", Connected()), desk.context, OWNER, after)
    async for chunk in body:
        seen += [int(line[4:]) for line in chunk.decode().splitlines() if line.startswith("id: ")]
        if LAST in chunk:
            over.set()
        if len(seen) >= most or over.is_set():
            break
    await cast("Any", body).aclose()
    return seen


async def test_client_that_resumes_by_its_last_id_sees_every_event_once(desk: Desk) -> None:
    photos, over = 24, asyncio.Event()
    seen: list[int] = []

    async def follow() -> None:
        while not over.is_set():
            seen.extend(await read_some(desk, seen[-1] if seen else 0, most=3, over=over))

    async def slow_writer(name: object) -> None:
        """Tell of something early in a transaction that ends late, in the middle of everybody else's."""
        async with desk.context.db.write() as session:
            await append_event(session, owner=OWNER, event_type=f"slow-{name}", at=desk.clock.now())
            await session.flush()
            await asyncio.sleep(0)

    async def replica(entries: list[results.Reported]) -> None:
        for entry in entries:
            await results.apply_batch(desk.context, [entry])

    following = asyncio.create_task(follow())
    for _ in range(photos):
        await desk.add()
    for _ in range(photos):
        message, reporter = await desk.begun()
        await desk.finish(message, reporter)
    deliveries = await desk.receive("results", count=100)
    entries = [entry for delivery in deliveries if (entry := await results.read(desk.context, delivery)) is not None]
    replicas = [replica(entries[number::4]) for number in range(4)]
    await asyncio.gather(*replicas, *(slow_writer(number) for number in range(20)))
    await slow_writer("last")
    async with asyncio.timeout(60):
        await following
    async with desk.context.db.read() as session:
        told = list(await session.scalars(select(Event.id).order_by(Event.id)))
    assert len(told) == photos * 3 + 21
    assert seen == told


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_transaction_that_told_early_and_commits_late_keeps_nobody_waiting(desk: Desk) -> None:
    """Only the last moment of a transaction is singular: one that dawdles holds up no other."""
    dawdling, hurry = asyncio.Event(), asyncio.Event()

    async def dawdle() -> None:
        async with desk.context.db.write() as session:
            await append_event(session, owner=OWNER, event_type="late", at=desk.clock.now())
            await session.flush()
            dawdling.set()
            await hurry.wait()

    waiting = asyncio.create_task(dawdle())
    await dawdling.wait()
    other = Database(desk.context.db.url)
    async with asyncio.timeout(20), other.write() as session:
        await append_event(session, owner=OWNER, event_type="early", at=desk.clock.now())
    hurry.set()
    await waiting
    await other.close()
    assert await desk.events() == ["early", "late"]
