from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from fotofila.feedback import relay
from fotofila.library.event_routes import stream
from fotofila.testing.pictures import jpeg
from tests.library.conftest import House
from tests.pipeline.conftest import pump, working

Upload = Callable[..., Awaitable[httpx.Response]]


async def fail(
    house: House, upload: Upload, count: int = 1, orders: bytes = b"fotofila:discard"
) -> list[dict[str, Any]]:
    for _ in range(count):
        await upload(jpeg(comment=orders))
    await house.work_off()
    items: list[dict[str, Any]] = (await house.client.get("/api/failures", params={"state": "open"})).json()["items"]
    return items


async def test_failure_explains_itself(house: House, upload: Upload) -> None:
    (failure,) = await fail(house, upload)
    detail = (await house.client.get(f"/api/failures/{failure['id']}")).json()
    assert detail["code"] == "ordered_permanent"
    assert detail["sentence"] == "The file asked to be discarded."
    assert "OrderedPermanentError" in detail["stack"]
    assert detail["payload"]["job_id"] == failure["job_id"]
    assert detail["photo"]["job"]["error"]["permanent"] is True
    assert [entry["id"] for entry in detail["history"]] == [failure["id"]]


async def test_two_clicks_redrive_once(house: House, upload: Upload) -> None:
    (failure,) = await fail(house, upload)
    first = await house.client.post(f"/api/failures/{failure['id']}/redrive")
    second = await house.client.post(f"/api/failures/{failure['id']}/redrive")
    assert (first.status_code, first.json()["round"]) == (202, 2)
    assert second.status_code == 409


async def test_filter_redrives_up_to_its_cap(house: House, upload: Upload) -> None:
    await fail(house, upload, 3)
    body = {"filter": {"code": "ordered_permanent"}, "cap": 2}
    assert (await house.client.post("/api/failures/redrive", json=body)).json() == {"redriven": 2, "skipped": 0}
    assert len((await house.client.get("/api/failures", params={"state": "open"})).json()["items"]) == 1


async def test_selection_is_either_ids_or_a_filter(house: House) -> None:
    for body in ({}, {"ids": [], "filter": {}}):
        assert (await house.client.post("/api/failures/redrive", json=body)).status_code == 422


async def test_purged_failure_is_out_of_sight_but_not_forgotten(house: House, upload: Upload) -> None:
    (failure,) = await fail(house, upload)
    assert (await house.client.post("/api/failures/purge", json={"ids": [failure["id"]]})).json() == {"purged": 1}
    assert (await house.client.get(f"/api/failures/{failure['id']}")).json()["state"] == "purged"
    assert (await house.client.post(f"/api/failures/{failure['id']}/redrive")).status_code == 409


async def test_policy_redrives_by_itself_as_often_as_it_says(house: House, upload: Upload) -> None:
    policy = {"wait_seconds": 0, "times": 2, "enabled": True}
    assert (await house.client.put("/api/redrive-policies/ordered", json=policy)).status_code == 200
    await upload(jpeg(comment=b"fotofila:retry"))

    async def redriven_twice() -> bool:
        items = (await house.client.get("/api/failures")).json()["items"]
        return sorted(item["round"] for item in items) == [1, 2, 3]

    async with working(house.context):
        await pump(house.context, redriven_twice)
    assert (await house.client.get("/api/failures", params={"state": "open"})).json()["items"][0]["round"] == 3


async def test_permanent_errors_take_no_policy(house: House) -> None:
    policy = {"wait_seconds": 0, "times": 2}
    assert (await house.client.put("/api/redrive-policies/empty_file", json=policy)).status_code == 409


async def test_cancelled_job_is_over_and_cannot_be_cancelled_twice(house: House, upload: Upload) -> None:
    job = (await upload(jpeg())).json()["job"]
    first = await house.client.post(f"/api/jobs/{job['id']}/cancel")
    assert (first.status_code, first.json()["state"]) == (202, "cancelled")
    assert (await house.client.post(f"/api/jobs/{job['id']}/cancel")).status_code == 409


async def test_timeline_adds_up(house: House, upload: Upload) -> None:
    job = (await upload(jpeg())).json()["job"]
    await house.work_off()
    hops = (await house.client.get(f"/api/jobs/{job['id']}/timeline")).json()["items"]
    assert [hop["hop"] for hop in hops] == ["accepted", "queued", "started", "finished", "done"]
    assert hops[0]["milliseconds"] == 0
    assert all(hop["milliseconds"] >= 0 for hop in hops)


class Connected:
    """Stands for a request whose client stays, as long as the stream asks."""

    async def is_disconnected(self) -> bool:
        return False


async def read_events(body: AsyncIterator[bytes], count: int) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    async for chunk in body:
        events += [json.loads(line[6:]) for line in chunk.split(b"\n") if line.startswith(b"data: ")]
        if len(events) >= count:
            break
    return events


async def test_stream_that_comes_back_misses_nothing(house: House, upload: Upload) -> None:
    owner = "0" * 31 + "1"
    await upload(jpeg())
    first = await read_events(stream(Connected(), house.context, owner, 0), 1)  # type: ignore[arg-type]
    await house.work_off()
    rest = await read_events(stream(Connected(), house.context, owner, first[-1]["id"]), 2)  # type: ignore[arg-type]
    assert [event["type"] for event in first + rest] == ["photo.created", "job.started", "job.done"]


async def test_stream_of_another_workspace_stays_empty(house: House, upload: Upload) -> None:
    await upload(jpeg())
    await relay.relay_once(house.context)
    async with house.context.db.read() as session:
        from fotofila.core.events.service import events_after  # noqa: PLC0415

        assert await events_after(session, after_id=0, owner="f" * 32) == []


@pytest.mark.parametrize("value", ["abc", "-1", "9" * 30])
async def test_bad_last_event_id_is_an_answer(house: House, value: str) -> None:
    assert (await house.client.get("/api/events", headers={"Last-Event-ID": value})).status_code == 422
