from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
from sqlalchemy import select

from fotofila.core.events.models import Event
from fotofila.testing.pictures import jpeg
from tests.library.conftest import House

Upload = Callable[..., Awaitable[httpx.Response]]


async def events(house: House) -> list[str]:

    async with house.context.db.read() as session:
        return list((await session.scalars(select(Event.type))).all())


async def batch_of(house: House, **fields: Any) -> dict[str, Any]:
    answer: dict[str, Any] = (await house.client.post("/api/batches", json=fields)).json()
    return answer


async def test_a_batch_that_expects_less_after_all_is_finished_once(house: House, upload: Upload) -> None:
    batch = await batch_of(house, name="wedding", expected=3)
    await upload(jpeg(), batch_id=batch["id"])
    await house.work_off()
    assert "batch.done" not in await events(house)
    for _ in range(2):
        answer = await house.client.patch(f"/api/batches/{batch['id']}", json={"expected": 1})
        assert answer.status_code == 200
        assert (answer.json()["total"], answer.json()["pending"]) == (1, 0)
        assert answer.json()["finished_at"] is not None
    assert (await events(house)).count("batch.done") == 1


async def test_a_batch_none_of_whose_photos_came_tells_nothing(house: House) -> None:
    batch = await batch_of(house, name="letters", expected=2)
    answer = await house.client.patch(f"/api/batches/{batch['id']}", json={"expected": 0})
    assert answer.json()["pending"] == 0
    assert "batch.done" not in await events(house)


async def test_a_batch_that_still_waits_stays_open(house: House, upload: Upload) -> None:
    batch = await batch_of(house, expected=5)
    await upload(jpeg(), batch_id=batch["id"])
    answer = await house.client.patch(f"/api/batches/{batch['id']}", json={"expected": 4})
    assert (answer.json()["pending"], answer.json()["finished_at"]) == (4, None)
