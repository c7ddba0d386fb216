from __future__ import annotations

import asyncio
from random import Random

import pytest

from fotofila.core.events.models import Event
from fotofila.core.events.service import append_event, events_after
from tests.feedback.conftest import OWNER, Desk


async def test_who_follows_the_ids_sees_every_event_once_and_in_the_order_of_commits(desk: Desk) -> None:
    """Writers that begin early and commit late must not slip in behind a reader."""
    random = Random(7)
    written: list[list[str]] = []
    followed: list[str] = []
    over = asyncio.Event()

    async def write(writer: int) -> None:
        for number in range(15):
            names = [f"{writer}-{number}-{part}" for part in range(random.randint(1, 3))]
            async with desk.context.db.write() as session:
                for name in names:
                    await append_event(session, owner=OWNER, event_type=name, at=desk.clock.now())
                    await session.flush()
                    await asyncio.sleep(0)
            written.append(names)

    async def follow() -> None:
        last = 0
        while not over.is_set() or await read(last):
            for one in await read(last):
                followed.append(one.type)
                last = one.id
            await asyncio.sleep(0)

    async def read(last: int) -> list[Event]:
        async with desk.context.db.read() as session:
            return list(await events_after(session, after_id=last, owner=OWNER, limit=5))

    following = asyncio.create_task(follow())
    await asyncio.gather(*(write(writer) for writer in range(6)))
    over.set()
    await following
    assert sorted(followed) == sorted(name for names in written for name in names)
    for names in written:  # those of one transaction stand together
        assert followed[followed.index(names[0]) :][: len(names)] == names


async def test_events_of_others_are_not_read(desk: Desk) -> None:
    async with desk.context.db.write() as session:
        await append_event(session, owner=OWNER, event_type="ours", at=desk.clock.now())
        await append_event(session, owner="f" * 32, event_type="theirs", at=desk.clock.now())
    async with desk.context.db.read() as session:
        assert [one.type for one in await events_after(session, after_id=0, owner=OWNER)] == ["ours"]
        assert len(await events_after(session, after_id=0)) == 2
        assert [one.type for one in await events_after(session, after_id=0, types=["theirs"])] == ["theirs"]


async def test_event_of_a_transaction_that_rolls_back_never_was(desk: Desk) -> None:
    with pytest.raises(LookupError):
        await append_and_raise(desk)
    async with desk.context.db.write() as session:
        await append_event(session, owner=OWNER, event_type="once", at=desk.clock.now())
    async with desk.context.db.read() as session:
        assert [one.type for one in await events_after(session, after_id=0)] == ["once"]


async def append_and_raise(desk: Desk) -> None:
    async with desk.context.db.write() as session:
        await append_event(session, owner=OWNER, event_type="never", at=desk.clock.now())
        await session.flush()
        raise LookupError
