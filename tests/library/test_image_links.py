"""Pictures of a storage that signs: the route answers with a link, and the link with the picture."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from fotofila.core.ids import new_id
from fotofila.library.models import Photo, Rendition
from fotofila.testing.pictures import jpeg
from fotofila.testing.servers import S3Server
from tests.library.conftest import House, open_house

BUCKET = {"storage_access_key_id": S3Server.access_key, "storage_secret_access_key": S3Server.secret_key}


@pytest.fixture
async def house(tmp_path: Path, s3_server: S3Server, s3_url: str) -> AsyncIterator[House]:
    """The conftest's, with its objects in a bucket."""
    bucket = {"storage_url": s3_url, "storage_endpoint": s3_server.endpoint, **BUCKET}
    async with open_house(tmp_path, "", **bucket) as made:
        yield made


async def add_rendition(house: House, photo_id: str, name: str, content: bytes) -> None:
    async with house.context.db.write() as session:
        photo = await session.get_one(Photo, photo_id)
        key = f"renditions/{photo.owner}/{photo.id}/{photo.job_id}/{name}"
        session.add(
            Rendition(
                photo_id=photo.id,
                name=name,
                execution_id=new_id(),
                key=key,
                media_type="image/webp",
                size_bytes=len(content),
            )
        )
    await house.context.storage.put(key, content)


@pytest.mark.parametrize(
    ("path", "name"),
    [("image?size=256", "256.webp"), ("image?size=1024", "1024.webp"), ("annotated", "annotated.webp")],
)
async def test_rendition_is_fetched_by_its_link(house: House, path: str, name: str) -> None:
    photo_id = (await house.client.post("/api/photos", content=jpeg())).json()["photo"]["id"]
    assert (await house.client.get(f"/api/photos/{photo_id}/{path}")).status_code == 404
    await add_rendition(house, photo_id, name, b"webp of " + name.encode())
    answer = await house.client.get(f"/api/photos/{photo_id}/{path}", headers={"Sec-Fetch-Dest": "image"})
    assert (answer.status_code, answer.content) == (307, b"")
    async with httpx.AsyncClient() as stranger:
        picture = await stranger.get(answer.headers["location"])
    assert (picture.status_code, picture.content) == (200, b"webp of " + name.encode())
    assert picture.headers["content-type"] == "image/webp"
    assert picture.headers["content-disposition"] == f"inline; filename*=UTF-8''{name}"


async def test_what_is_opened_or_saved_has_the_name_of_the_upload(house: House) -> None:
    """A download link in a page saves what another host answers only if that host says so."""
    answer = await house.client.post("/api/photos", params={"filename": 'a "b";c.jpg'}, content=jpeg())
    links = answer.json()["photo"]["links"]
    answer = await house.client.get(links["image"], headers={"Sec-Fetch-Dest": "document"})
    assert answer.headers["vary"] == "Sec-Fetch-Dest"
    async with httpx.AsyncClient() as stranger:
        saved = await stranger.get(answer.headers["location"])
    assert saved.headers["content-disposition"] == "attachment; filename*=UTF-8''a%20%22b%22%3Bc.jpg"


async def test_another_workspace_is_given_no_link(house: House) -> None:
    links = (await house.client.post("/api/photos", content=jpeg())).json()["photo"]["links"]
    answer = await house.client.get(links["image"], headers={"Authorization": "Bearer ff_nobody"})
    assert answer.status_code == 401
    assert "location" not in answer.headers
