from __future__ import annotations

import csv
import io
from collections.abc import Awaitable, Callable

import httpx
import pytest

from fotofila.feedback.sweeper import sweep_once
from fotofila.testing.pictures import jpeg
from tests.library.conftest import House

Upload = Callable[..., Awaitable[httpx.Response]]


async def test_history_pages_meet_without_gap_or_overlap(house: House, upload: Upload) -> None:
    ids = [(await upload(jpeg())).json()["photo"]["id"] for _ in range(5)]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = (
            await house.client.get("/api/photos", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))
        ).json()
        seen += [photo["id"] for photo in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == ids[::-1]


async def test_history_filters(house: House, upload: Upload) -> None:
    await upload(jpeg(comment=b"fotofila:discard"), filename="broken_100%.jpg")
    await upload(jpeg(), filename="fine.jpg")
    await house.work_off()

    async def names(**params: str) -> list[str]:
        return [photo["filename"] for photo in (await house.client.get("/api/photos", params=params)).json()["items"]]

    assert await names(state="failed") == ["broken_100%.jpg"]
    assert await names(q="0%") == ["broken_100%.jpg"]
    assert await names(q="FINE") == ["fine.jpg"]
    assert await names(to="2020-01-01T00:00:00Z") == []
    assert await names(**{"from": "2020-01-01T00:00:00"}) == ["fine.jpg", "broken_100%.jpg"]


@pytest.mark.parametrize("cursor", ["nonsense", "WzFd", "WyIyMDIwIl0", "%00"])
async def test_bad_cursor_is_an_answer(house: House, cursor: str) -> None:
    answer = await house.client.get("/api/photos", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_cursor")


async def test_ranges_and_tags(house: House, upload: Upload) -> None:
    photo = jpeg()
    path = (await upload(photo)).json()["photo"]["links"]["image"]

    async def get(**headers: str) -> httpx.Response:
        return await house.client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    whole = await get()
    assert whole.headers["accept-ranges"] == "bytes"
    assert (await get(range="bytes=0-9")).content == photo[:10]
    assert (await get(range="bytes=-5")).content == photo[-5:]
    part = await get(range="bytes=10-")
    assert (part.status_code, part.content) == (206, photo[10:])
    assert part.headers["content-range"] == f"bytes 10-{len(photo) - 1}/{len(photo)}"
    assert (await get(range=f"bytes={len(photo)}-")).status_code == 416
    assert (await get(range="bytes=5-2")).status_code == 200
    assert (await get(if_none_match=whole.headers["etag"])).status_code == 304
    assert (await get(range="bytes=0-9", if_range='"other"')).status_code == 200


async def test_deleted_photo_is_gone_with_its_files(house: House, upload: Upload) -> None:
    photo = (await upload(jpeg())).json()["photo"]
    await house.work_off()
    assert (await house.client.delete(f"/api/photos/{photo['id']}")).status_code == 204
    assert (await house.client.get(f"/api/photos/{photo['id']}")).status_code == 404
    assert (await house.client.get(f"/api/jobs/{photo['job']['id']}")).status_code == 404
    await sweep_once(house.context)
    assert [info.key async for info in house.context.storage.list("")] == []


async def test_deleting_a_photo_that_waits_stops_its_job(house: House, upload: Upload) -> None:
    photo = (await upload(jpeg())).json()["photo"]
    assert (await house.client.delete(f"/api/photos/{photo['id']}")).status_code == 204
    await house.work_off()
    assert (await house.client.get("/api/photos")).json()["items"] == []


async def test_analysing_again_replaces_what_was_made(house: House, upload: Upload) -> None:
    photo = (await upload(jpeg())).json()["photo"]
    await house.work_off()
    again = await house.client.post(f"/api/photos/{photo['id']}/analyze")
    assert again.status_code == 202
    assert again.json()["id"] != photo["job"]["id"]
    await house.work_off()
    await sweep_once(house.context)
    assert len([info.key async for info in house.context.storage.list("renditions/")]) == 1


async def test_export_tells_the_same_as_the_history(house: House, upload: Upload) -> None:
    await upload(jpeg(), filename="=cmd.jpg")
    await upload(jpeg(), filename="b.jpg")
    table = list(csv.DictReader(io.StringIO((await house.client.get("/api/photos/export")).text)))
    listed = (await house.client.get("/api/photos/export", params={"format": "json"})).json()
    assert [row["filename"] for row in table] == ["b.jpg", "'=cmd.jpg"]
    assert [photo["filename"] for photo in listed] == ["b.jpg", "=cmd.jpg"]
    assert (await house.client.get("/api/photos/export", params={"format": "json", "q": "none"})).json() == []


@pytest.mark.parametrize("by", ["hour", "day", "week", "month"])
async def test_report_counts_every_photo_once(house: House, upload: Upload, by: str) -> None:
    for orders in (b"", b"fotofila:discard"):
        await upload(jpeg(comment=orders))
    await house.work_off()
    report = (await house.client.get("/api/reports/photos", params={"by": by})).json()
    assert report["totals"] == {"photos": 2, "faces": 0, "done": 1, "failed": 1}
    assert sum(bucket["photos"] for bucket in report["buckets"]) == 2
    assert report["failures"] == [{"code": "ordered_permanent", "count": 1}]


async def test_report_over_too_many_steps_is_refused(house: House) -> None:
    answer = await house.client.get("/api/reports/photos", params={"by": "hour", "from": "0001-01-01T00:00:00"})
    assert answer.status_code == 422
