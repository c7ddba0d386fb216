"""Uploads where the storage is a bucket: what goes straight into it, and what comes bit by bit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from fotofila.access.workspaces import DEFAULT_WORKSPACE
from fotofila.feedback.sweeper import sweep_once
from fotofila.testing.servers import S3Server
from tests.library.conftest import House, open_house
from tests.library.uploads_parts import announce, begin, complete, offset_of, photo, photos, put, send, sha256, staged


@pytest.fixture
def bucket(s3_server: S3Server, s3_url: str) -> dict[str, Any]:
    return {
        "storage_url": s3_url,
        "storage_endpoint": s3_server.endpoint,
        "storage_region": s3_server.region,
        "storage_access_key_id": s3_server.access_key,
        "storage_secret_access_key": s3_server.secret_key,
    }


@pytest.fixture
async def house(tmp_path: Path, database_url: str, bucket: dict[str, Any]) -> AsyncIterator[House]:
    async with open_house(tmp_path, database_url, **bucket) as made:
        yield made


async def put_in_bucket(target: dict[str, Any], content: bytes) -> httpx.Response:
    """Send the bytes to the bucket itself, as any client does."""
    async with httpx.AsyncClient() as nobody:
        return await nobody.request(target["method"], target["url"], content=content, headers=target["headers"])


async def test_bytes_go_straight_into_the_bucket(house: House, s3_server: S3Server) -> None:
    content = photo()
    target = await announce(house, content)
    assert target["url"].startswith(s3_server.endpoint)
    sent = await put_in_bucket(target, content)
    assert sent.is_success, sent.text
    answer = await complete(house, target["id"])
    assert answer.status_code == 202, answer.text
    made = answer.json()["photo"]
    assert made["checksum_sha256"] == sha256(content)
    assert await house.context.storage.get(f"originals/{DEFAULT_WORKSPACE}/{made['id']}") == content
    assert await staged(house) == []
    assert (await complete(house, target["id"])).json()["photo"]["id"] == made["id"]


@pytest.mark.parametrize("content", [photo()[:-1], photo() + b"x", photo()[:-1] + b"x"], ids=["short", "long", "other"])
async def test_the_bucket_takes_no_others_than_the_announced_bytes(house: House, content: bytes) -> None:
    target = await announce(house, photo())
    assert (await put_in_bucket(target, content)).status_code in {400, 403}
    assert (await complete(house, target["id"])).status_code == 409


async def test_what_is_no_photo_stays_outside(house: House) -> None:
    text = b"Dear photographer, this is a letter."
    target = await announce(house, text)
    await put_in_bucket(target, text)
    answer = await complete(house, target["id"])
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert await staged(house, "") == []


async def test_a_bucket_that_clients_do_not_reach_is_filled_by_us(
    tmp_path: Path, database_url: str, bucket: dict[str, Any]
) -> None:
    content = photo()
    async with open_house(tmp_path, database_url, storage_link_seconds=0, **bucket) as house:
        target = await announce(house, content)
        assert target["url"].startswith("http://127.0.0.1:8000/api/uploads/")
        assert (await put(target, content, house)).status_code == 204
        assert (await complete(house, target["id"])).status_code == 202


async def test_a_link_that_is_used_too_late_leaves_nothing_for_long(house: House) -> None:
    content = photo()
    target = await announce(house, content)
    await house.client.delete(f"/api/uploads/{target['id']}")
    await put_in_bucket(target, content)
    assert len(await staged(house)) == 1
    await sweep_once(house.context)
    assert await staged(house) == []


async def test_a_photo_comes_in_bit_by_bit(house: House) -> None:
    content = photo()
    url = await begin(house, content)
    assert (await send(house, url, content[:1000], 0)).status_code == 204
    assert (await send(house, url, content[1000:200_000], 1000)).status_code == 204
    assert await offset_of(house, url) == 200_000
    assert (await send(house, url, content[200_000:], 200_000)).status_code == 204
    assert [one["checksum_sha256"] for one in await photos(house)] == [sha256(content)]
    assert await staged(house) == []
