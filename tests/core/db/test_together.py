from __future__ import annotations

import asyncio
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

import pytest

from fotofila.core.db.together import MOST_AT_ONCE, Gathering, Row


class Desk:
    """A write that goes on until it is told to end."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.begun = asyncio.Semaphore(0)
        self.may_end = asyncio.Semaphore(0)
        self.gathering = Gathering(self.write)

    async def write(self, rows: Sequence[Row]) -> AbstractSet[str]:
        self.groups.append([row["id"] for row in rows])
        self.begun.release()
        await self.may_end.acquire()
        if any(row.get("breaks") for row in rows):
            raise ConnectionError
        return {row["id"] for row in rows if not row.get("odd")}

    def add(self, name: str, **more: object) -> asyncio.Task[bool]:
        return asyncio.create_task(self.gathering.add({"id": name, **more}))


async def test_what_comes_during_a_write_is_the_next() -> None:
    desk = Desk()
    first = desk.add("a")
    await desk.begun.acquire()
    others = [desk.add("b"), desk.add("c", odd=True), desk.add("d")]
    desk.may_end.release()
    assert await first
    await desk.begun.acquire()
    desk.may_end.release()
    assert [await other for other in others] == [True, False, True]
    assert desk.groups == [["a"], ["b", "c", "d"]]
    desk.may_end.release()
    assert await desk.add("e")  # and it goes on after a pause


async def test_a_group_has_a_largest_size() -> None:
    desk = Desk()
    tasks = [desk.add(str(number)) for number in range(MOST_AT_ONCE + 1)]
    for _ in range(2):
        desk.may_end.release()
    assert all(await asyncio.gather(*tasks))
    assert list(map(len, desk.groups)) == [MOST_AT_ONCE, 1]


async def test_what_a_write_raises_it_raises_for_its_rows_and_no_other() -> None:
    desk = Desk()
    first = desk.add("a", breaks=True)
    await desk.begun.acquire()
    second, third = desk.add("b"), desk.add("c")
    for _ in range(2):
        desk.may_end.release()
    with pytest.raises(ConnectionError):
        await first
    assert await second
    assert await third


async def test_a_caller_that_leaves_takes_nobody_along() -> None:
    desk = Desk()
    first, second = desk.add("a"), desk.add("b")
    await desk.begun.acquire()
    first.cancel()
    desk.may_end.release()
    assert await second
    assert first.cancelled()
    assert desk.groups == [["a", "b"]]


async def test_closing_waits_for_what_is_under_way() -> None:
    desk = Desk()
    first = desk.add("a")
    await desk.begun.acquire()
    closing = asyncio.create_task(desk.gathering.close())
    await asyncio.sleep(0)
    assert not closing.done()
    desk.may_end.release()
    await closing
    assert first.done()
