from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from fotofila.feedback.sweeper import sweep_once
from fotofila.library.uploads.models import StagedUpload
from fotofila.testing.pictures import jpeg
from tests.contract.conftest import add_stranger
from tests.library.conftest import House
from tests.library.uploads_parts import announce, begin, complete, photo, photos, pieces, put, send, sha256, staged


async def upload(house: House, content: bytes, **changes: Any) -> tuple[str, httpx.Response]:
    target = await announce(house, content, **changes)
    return target["id"], await put(target, content, house)


async def age(house: House, upload_id: str) -> None:
    """Have an upload expire."""
    past = house.context.clock.now() - timedelta(seconds=1)
    async with house.context.db.write() as session:
        await session.execute(update(StagedUpload).where(StagedUpload.id == upload_id).values(expires_at=past))


async def test_bytes_that_went_into_the_storage_become_a_photo(house: House) -> None:
    content = photo()
    upload_id, sent = await upload(house, content, filename="x/holiday.jpg", media_type="image/jpeg")
    assert sent.status_code == 204
    answer = await complete(house, upload_id)
    assert answer.status_code == 202
    made = answer.json()
    assert made["photo"]["filename"] == "holiday.jpg"
    assert (made["job"]["state"], made["duplicate"]) == ("pending", False)
    assert answer.headers["Location"] == made["photo"]["links"]["self"]
    assert (await house.client.get(made["photo"]["links"]["image"])).content == content
    assert await staged(house) == []
    shown = (await house.client.get(f"/api/uploads/{upload_id}")).json()
    assert (shown["state"], shown["photo_id"], shown["duplicate"]) == ("done", made["photo"]["id"], False)


async def test_completing_again_answers_again(house: House) -> None:
    upload_id, _ = await upload(house, photo())
    first, again = await complete(house, upload_id), await complete(house, upload_id)
    assert (again.status_code, again.json()) == (202, first.json())
    assert len(await photos(house)) == 1


async def test_completing_twice_at_once_makes_one_photo(house: House) -> None:
    upload_id, _ = await upload(house, photo())
    answers = await asyncio.gather(*(complete(house, upload_id) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["photo"]["id"] for answer in answers}) == 1
    assert len(await staged(house, "")) == 1


async def test_the_same_bytes_again_are_the_first_photo(house: House) -> None:
    content = photo()
    first = await complete(house, (await upload(house, content))[0])
    again = await complete(house, (await upload(house, content))[0])
    assert (again.status_code, again.json()["duplicate"]) == (200, True)
    assert again.json()["photo"]["id"] == first.json()["photo"]["id"]
    assert len(await staged(house, "")) == 1


async def test_a_photo_in_a_batch_is_counted(house: House) -> None:
    batch = (await house.client.post("/api/batches", json={})).json()
    upload_id, _ = await upload(house, photo(), batch_id=batch["id"])
    assert (await complete(house, upload_id)).json()["job"]["lane"] == "process.bulk"
    assert (await house.client.get(f"/api/batches/{batch['id']}")).json()["total"] == 1


async def test_a_photo_that_was_deleted_since_is_not_brought_back(house: House) -> None:
    upload_id, _ = await upload(house, photo())
    made = (await complete(house, upload_id)).json()
    await house.client.delete(made["photo"]["links"]["self"])
    answer = await complete(house, upload_id)
    assert (answer.status_code, await photos(house)) == (404, [])
    assert "upload it again" in answer.json()["detail"]


async def test_nothing_is_completed_before_its_bytes_are_there(house: House) -> None:
    target = await announce(house, photo())
    answer = await complete(house, target["id"])
    assert (answer.status_code, answer.json()["code"]) == (409, "upload_incomplete")
    url = await begin(house, photo())
    await send(house, url, photo()[:1000], 0)
    answer = await complete(house, url.rsplit("/", 1)[1])
    assert (answer.status_code, answer.json()["code"]) == (409, "upload_incomplete")
    assert answer.json()["detail"].startswith("1000 of 300000 bytes are here")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"size_bytes": 0}, 422, "empty_file"),
        ({"size_bytes": 5_000_001}, 413, "too_large"),
        ({"size_bytes": -1}, 422, "invalid_input"),
        ({"size_bytes": 2**70}, 422, "invalid_input"),
        ({"checksum_sha256": "abc"}, 422, "invalid_input"),
        ({"checksum_sha256": None}, 422, "invalid_input"),
        ({"batch_id": "f" * 32}, 404, "not_found"),
        ({"filename": "x" * 2000}, 422, "invalid_input"),
    ],
)
async def test_an_announcement_that_makes_no_sense_is_refused(
    house: House, changes: dict[str, Any], status: int, code: str
) -> None:
    body = {"size_bytes": 100, "checksum_sha256": "0" * 64, **changes}
    answer = await house.client.post("/api/uploads", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (photo()[:-1], "size_mismatch"),
        (photo() + b"x", "size_mismatch"),
        (b"", "size_mismatch"),
        (photo()[:-1] + b"x", "checksum_mismatch"),
    ],
    ids=["short", "long", "empty", "other"],
)
async def test_bytes_that_were_not_announced_are_not_kept(house: House, content: bytes, code: str) -> None:
    announced = photo()
    target = await announce(house, announced)
    answer = await put(target, content, house)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert await staged(house) == []
    assert (await put(target, announced, house)).status_code == 204
    assert (await complete(house, target["id"])).status_code == 202


async def test_what_is_no_photo_is_the_end_of_the_upload(house: House) -> None:
    upload_id, answer = await upload(house, b"Dear photographer, this is a letter.")
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    answer = await complete(house, upload_id)
    assert (answer.status_code, answer.json()["code"]) == (410, "upload_gone")
    assert "This is a text" in answer.json()["detail"] or "refused" in answer.json()["detail"]


async def test_a_type_that_was_declared_wrong_is_refused(house: House) -> None:
    _, answer = await upload(house, photo(), media_type="image/png")
    assert (answer.status_code, answer.json()["code"]) == (415, "media_type_mismatch")


async def test_a_link_is_good_for_one_upload_only(house: House) -> None:
    content = photo()
    one, other = await announce(house, content), await announce(house, content)
    for wrong in (
        one["url"].replace(one["id"], other["id"]),
        one["url"] + "x",
        one["url"].replace("expires=", "expires=1"),
        one["url"].partition("?")[0] + "?expires=1&signature=1.x",
    ):
        answer = await put({**one, "url": wrong}, content, house)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), wrong
    nobody = await put({**one, "url": one["url"].partition("?")[0]}, content, house)
    assert nobody.status_code == 401
    assert await staged(house) == []


async def test_a_key_opens_what_the_link_does(house: House) -> None:
    content = photo()
    target = await announce(house, content)
    path = f"/api/uploads/{target['id']}/content"
    stranger = {"Authorization": f"Bearer {await add_stranger(house.context)}"}
    assert (await house.client.put(path, content=content, headers=stranger)).status_code == 404
    assert (await house.client.put(path, content=pieces(content))).status_code == 204


async def test_nobody_else_s_upload_is_there(house: House) -> None:
    upload_id, _ = await upload(house, photo())
    headers = {"Authorization": f"Bearer {await add_stranger(house.context)}"}
    path = f"/api/uploads/{upload_id}"
    assert (await house.client.get(path, headers=headers)).status_code == 404
    assert (await house.client.delete(path, headers=headers)).status_code == 404
    assert (await house.client.post(f"{path}/complete", headers=headers)).status_code == 404
    assert (await complete(house, upload_id)).status_code == 202


async def test_an_upload_that_is_ended_leaves_nothing(house: House) -> None:
    upload_id, _ = await upload(house, photo())
    assert (await house.client.delete(f"/api/uploads/{upload_id}")).status_code == 204
    assert (await complete(house, upload_id)).status_code == 404
    assert await staged(house, "") == []


async def test_what_the_workspace_has_no_room_for_is_not_begun(house: House) -> None:
    kept = photo(250_000, mark=b"kept")
    await complete(house, (await upload(house, kept))[0])
    await house.client.patch("/api/workspace", json={"quota_bytes": 600_000})
    await begin(house, photo(300_000))
    body = {"size_bytes": 100_000, "checksum_sha256": "0" * 64}
    answer = await house.client.post("/api/uploads", json=body)
    assert (answer.status_code, answer.json()["code"]) == (403, "quota_exceeded")
    known = await complete(house, (await upload(house, kept))[0])
    assert known.json()["duplicate"] is True


async def test_a_quota_that_shrank_meanwhile_is_kept_and_the_upload_waits(house: House) -> None:
    upload_id, _ = await upload(house, photo())
    await house.client.patch("/api/workspace", json={"quota_photos": 1})
    other = (await house.client.post("/api/photos", content=jpeg())).json()
    answer = await complete(house, upload_id)
    assert (answer.status_code, answer.json()["code"]) == (403, "quota_exceeded")
    assert (await house.client.delete(other["photo"]["links"]["self"])).status_code == 204
    answer = await complete(house, upload_id)
    assert answer.status_code == 202, answer.text


async def test_an_expired_upload_is_over_and_swept(house: House) -> None:
    upload_id, _ = await upload(house, photo())
    url = await begin(house, photo())
    await send(house, url, photo()[:1000], 0)
    kept = await begin(house, photo())
    await send(house, kept, photo()[:1000], 0)
    for expired in (upload_id, url.rsplit("/", 1)[1]):
        await age(house, expired)
    answer = await complete(house, upload_id)
    assert (answer.status_code, answer.json()["code"]) == (410, "upload_gone")
    assert (await send(house, url, photo()[1000:], 1000)).status_code == 410
    await sweep_once(house.context)
    assert (await complete(house, upload_id)).status_code == 404
    assert len(await staged(house)) == 1
    assert (await send(house, kept, photo()[1000:], 1000)).headers["Fotofila-Photo-Id"]


async def test_staged_bytes_of_no_upload_are_swept(house: House) -> None:
    await house.context.storage.put(f"staging/{'a' * 32}/{'b' * 32}/content", b"late")
    assert await sweep_once(house.context) == 1
    assert await staged(house) == []


async def test_checksums_are_those_of_the_bytes(house: House) -> None:
    content = photo()
    upload_id, _ = await upload(house, content)
    assert (await complete(house, upload_id)).json()["photo"]["checksum_sha256"] == sha256(content)
