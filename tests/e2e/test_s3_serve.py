"""A real `fotofila serve` whose objects lie in a bucket, and clients that follow its links."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from fotofila.core.ids import new_id
from fotofila.testing.pictures import jpeg
from fotofila.testing.servers import S3Server
from fotofila.testing.servers.process import free_port
from tests.e2e.conftest import NOOP, serving
from tests.e2e.processes import environment

pytestmark = pytest.mark.e2e


def bucket_settings(server: S3Server, url: str) -> dict[str, Any]:
    return {
        **NOOP,
        "storage_url": url,
        "storage_endpoint": server.endpoint,
        "storage_access_key_id": server.access_key,
        "storage_secret_access_key": server.secret_key,
    }


async def test_photo_comes_out_of_the_bucket_by_a_link_that_needs_no_key(
    tmp_path: Path, s3_server: S3Server, s3_url: str
) -> None:
    content = jpeg(width=640, height=480)
    async with serving(tmp_path, **bucket_settings(s3_server, s3_url)) as served:
        async with served.client() as client:
            answer = await client.post("/api/photos", params={"wait": 60, "filename": "pão.jpg"}, content=content)
            assert answer.status_code == 202, answer.text
            assert answer.json()["job"]["state"] == "done"
            image = answer.json()["photo"]["links"]["image"]
            sent_away = await client.get(image)
            assert sent_away.status_code == 307
            assert sent_away.headers["cache-control"] == "private, max-age=150"
            followed = await client.get(image, follow_redirects=True)
            assert (followed.status_code, followed.content) == (200, content)
            page = await client.get("/")
            assert f"img-src 'self' blob: data: {s3_server.endpoint};" in page.headers["content-security-policy"]
            assert (await client.get("/readyz")).status_code == 200
        async with httpx.AsyncClient() as stranger:
            fetched = await stranger.get(sent_away.headers["location"], headers={"Range": "bytes=0-1"})
            assert (fetched.status_code, fetched.content) == (206, content[:2])
            assert fetched.headers["content-type"] == "image/jpeg"
            assert fetched.headers["content-disposition"] == "attachment; filename*=UTF-8''p%C3%A3o.jpg"
    assert not (served.data_dir / "objects").exists()


async def test_key_in_a_header_of_ours_is_not_carried_to_the_storage(
    tmp_path: Path, s3_server: S3Server, s3_url: str
) -> None:
    content = jpeg()
    async with (
        serving(tmp_path, **bucket_settings(s3_server, s3_url)) as served,
        httpx.AsyncClient(base_url=served.url, headers={"X-API-Key": served.key}) as client,
    ):
        answer = await client.post("/api/photos", content=content)
        image = await client.get(answer.json()["photo"]["links"]["image"], headers={"Range": "bytes=2-4"})
    assert (image.status_code, image.content) == (206, content[2:5])


@pytest.mark.parametrize(
    ("command", "wrong", "named"),
    [
        ("work", {"storage_url": "s3://no-such-bucket/photos"}, "FOTOFILA_STORAGE_URL"),
        ("serve", {"storage_url": "s3://no-such-bucket/photos"}, "FOTOFILA_STORAGE_URL"),
        ("serve", {"storage_secret_access_key": "wrong"}, "FOTOFILA_STORAGE_SECRET_ACCESS_KEY"),
        ("serve", {"storage_access_key_id": "nobody"}, "FOTOFILA_STORAGE_ACCESS_KEY_ID"),
        ("serve", {"storage_secret_access_key": ""}, "FOTOFILA_STORAGE_SECRET_ACCESS_KEY"),
        ("serve", {"storage_endpoint": "seaweedfs:8333"}, "FOTOFILA_STORAGE_ENDPOINT"),
        ("serve", {"storage_url": "s3://key:secret@bucket/photos"}, "FOTOFILA_STORAGE_URL"),
    ],
)
def test_bucket_that_cannot_be_used_stops_the_start_with_one_sentence(
    tmp_path: Path, s3_server: S3Server, s3_url: str, command: str, wrong: dict[str, str], named: str
) -> None:
    settings = {**bucket_settings(s3_server, s3_url), "data_dir": tmp_path, "port": free_port(), **wrong}
    program = [sys.executable, "-m", "fotofila.cli", command]
    ran = subprocess.run(program, env=environment(**settings), capture_output=True, text=True, check=False, timeout=90)
    assert ran.returncode != 0
    assert named in ran.stderr
    assert "Traceback" not in ran.stderr
    assert "secret@" not in ran.stderr


async def test_bucket_is_made_where_a_setting_says_so(tmp_path: Path, s3_server: S3Server) -> None:
    url = f"s3://made-{new_id()}/in"
    settings = {**bucket_settings(s3_server, url), "storage_create_bucket": True}
    async with serving(tmp_path, **settings) as served, served.client() as client:
        assert (await client.post("/api/photos", content=jpeg())).status_code == 202


async def test_storage_that_is_away_does_not_stop_the_start(tmp_path: Path, s3_server: S3Server, s3_url: str) -> None:
    settings = {**bucket_settings(s3_server, s3_url), "storage_endpoint": f"http://127.0.0.1:{free_port()}"}
    async with asyncio.timeout(120), serving(tmp_path, **settings) as served, served.client() as client:
        ready = await client.get("/readyz")
        refused = await client.post("/api/photos", content=jpeg())
    assert ready.status_code == 503
    assert refused.status_code == 503
    assert refused.json()["code"] == "unavailable"
