from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest

from fotofila.testing.pictures import jpeg
from tests.library.conftest import House

Upload = Callable[..., Awaitable[httpx.Response]]


async def objects(house: House) -> list[str]:
    return [info.key async for info in house.context.storage.list("")]


def png_header(width: int, height: int) -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))


async def test_raw_body_is_stored_byte_for_byte(house: House, upload: Upload) -> None:
    photo = jpeg()
    answer = await upload(photo, filename="a/b\\c.jpg")
    body = answer.json()
    assert answer.status_code == 202
    assert body["duplicate"] is False
    assert body["photo"]["filename"] == "c.jpg"
    assert body["photo"]["checksum_sha256"] == hashlib.sha256(photo).hexdigest()
    assert body["job"]["state"] == "pending"
    original = await house.client.get(f"/api/photos/{body['photo']['id']}/image")
    assert original.content == photo


async def test_same_bytes_again_answer_with_the_first_photo_and_keep_one_object(house: House, upload: Upload) -> None:
    photo = jpeg()
    first, again = await upload(photo, filename="first.jpg"), await upload(photo, filename="again.jpg")
    assert (again.status_code, again.json()["duplicate"]) == (200, True)
    assert again.json()["photo"]["id"] == first.json()["photo"]["id"]
    assert len(await objects(house)) == 1


async def test_several_files_are_each_answered(house: House) -> None:
    photos = [jpeg(), jpeg()]
    files = [
        ("files", ("one.jpg", photos[0], "image/jpeg")),
        ("files", ("note.txt", b"not a picture", "text/plain")),
        ("files", ("two.jpg", photos[1], "image/jpeg")),
    ]
    answer = await house.client.post("/api/photos", files=files)
    items = answer.json()["items"]
    assert answer.status_code == 202
    assert [(item["filename"], item["status"]) for item in items] == [
        ("one.jpg", 202),
        ("note.txt", 415),
        ("two.jpg", 202),
    ]
    assert items[1]["problem"]["code"] == "unsupported_media_type"
    assert len(await objects(house)) == 2


async def test_one_file_in_a_form_is_answered_like_a_raw_body(house: House) -> None:
    answer = await house.client.post("/api/photos", files={"files": ("one.jpg", jpeg(), "image/jpeg")})
    assert answer.status_code == 202
    assert answer.json()["photo"]["filename"] == "one.jpg"


@pytest.mark.parametrize(
    ("content", "content_type", "status", "code"),
    [
        (b"", "image/jpeg", 422, "empty_file"),
        (b"hello, this is text", "application/octet-stream", 415, "unsupported_media_type"),
        (jpeg(), "image/png", 415, "media_type_mismatch"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml", 415, "unsupported_media_type"),
        (png_header(100_000, 100_000), "image/png", 422, "too_many_pixels"),
        (jpeg() + b"\0" * 5_000_000, "image/jpeg", 413, "too_large"),
    ],
)
async def test_what_is_refused_at_the_door_leaves_nothing(
    house: House, upload: Upload, content: bytes, content_type: str, status: int, code: str
) -> None:
    answer = await upload(content, content_type=content_type)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert await objects(house) == []
    assert (await house.client.get("/api/photos")).json()["items"] == []


async def test_form_that_is_cut_off_is_refused_and_leaves_nothing(house: House) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\n\r\n' + jpeg()

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = await house.client.post("/api/photos", content=body(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "cut_off")
    assert await objects(house) == []


@pytest.mark.parametrize("content_type", ["multipart/form-data", "multipart/form-data; boundary="])
async def test_form_without_a_boundary_is_refused(upload: Upload, content_type: str) -> None:
    assert (await upload(b"--x--", content_type=content_type)).status_code == 400


async def test_form_without_a_file_says_how_to_name_the_part(house: House) -> None:
    answer = await house.client.post("/api/photos", files={"batch": (None, "x")})
    assert answer.status_code == 422
    assert "`files`" in answer.json()["detail"]


async def test_repeated_request_is_answered_again_and_done_once(house: House, upload: Upload) -> None:
    photo, headers = jpeg(), {"Idempotency-Key": "k1"}
    first = await upload(photo, headers=headers)
    again = await upload(photo, headers=headers)
    other = await upload(jpeg(), headers=headers)
    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"
    assert other.status_code == 422
    assert len(await objects(house)) == 1


async def test_form_under_a_key_is_the_same_whatever_its_boundary(house: House) -> None:
    files = [("files", ("a.jpg", jpeg(), "image/jpeg")), ("files", ("b.txt", b"text" * 50_000, "text/plain"))]
    headers = {"Idempotency-Key": "k2"}
    first = await house.client.post("/api/photos", files=files, headers=headers)
    again = await house.client.post("/api/photos", files=files, headers=headers)
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.content == first.content


async def test_unknown_batch_is_refused_before_anything_is_kept(house: House, upload: Upload) -> None:
    assert (await upload(jpeg(), batch_id="f" * 32)).status_code == 404
    assert await objects(house) == []


async def test_quota_is_kept(house: House, upload: Upload) -> None:
    await house.client.patch("/api/workspace", json={"quota_photos": 1})
    assert (await upload(jpeg())).status_code == 202
    refused = await upload(jpeg())
    assert (refused.status_code, refused.json()["code"]) == (403, "quota_exceeded")
    assert len(await objects(house)) == 1


async def test_batch_counts_x_of_y(house: House, upload: Upload) -> None:
    batch = (await house.client.post("/api/batches", json={"name": "wedding", "expected": 3})).json()
    for orders in (b"", b"fotofila:discard", b""):
        assert (await upload(jpeg(comment=orders), batch_id=batch["id"])).json()["job"]["lane"] == "process.bulk"
    await house.work_off()
    counted = (await house.client.get(f"/api/batches/{batch['id']}")).json()
    assert (counted["total"], counted["done"], counted["failed"], counted["pending"]) == (3, 2, 1, 0)
    assert counted["finished_at"] is not None
