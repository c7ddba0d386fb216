from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest

from fotofila.testing.pictures import jpeg
from fotofila.testing.servers.process import free_port
from tests.e2e.conftest import NOOP, Served, serving
from tests.e2e.processes import STOP_SECONDS, environment, until

pytestmark = pytest.mark.e2e


async def test_photo_goes_in_and_its_result_comes_out(served: Served) -> None:
    async with served.client() as client:
        response = await client.post("/api/photos", params={"wait": 60}, content=jpeg(width=640, height=480))
        assert response.status_code == 202, response.text
        upload = response.json()
        assert upload["job"]["state"] == "done", upload
        timeline = (await client.get(f"/api/jobs/{upload['job']['id']}/timeline")).json()["items"]
        assert [hop["hop"] for hop in timeline] == ["accepted", "queued", "started", "finished", "done"]
        image = await client.get(upload["photo"]["links"]["image"])
        assert image.status_code == 200


async def test_stranger_is_asked_to_sign_in(served: Served) -> None:
    async with httpx.AsyncClient(base_url=served.url) as client:
        response = await client.get("/api/photos")
    assert (response.status_code, response.json()["code"]) == (401, "unauthenticated")


async def test_workers_and_their_children_end_with_a_server_that_is_killed(tmp_path: Path) -> None:
    """Nothing goes on by itself on a machine whose server died."""
    async with serving(tmp_path, **NOOP) as served:
        async with served.client() as client:
            await client.post("/api/photos", params={"wait": 60}, content=jpeg())
        family = psutil.Process(served.member.running.pid).children(recursive=True)
        assert len(family) >= 2, "a worker and its child"
        served.member.kill()
        await until(lambda: not any(lives(one) for one in family), seconds=STOP_SECONDS)
        served.member.start()
        await served.member.wait_ready()


def lives(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != "zombie"


async def test_taken_port_stops_the_start_with_one_sentence(tmp_path: Path) -> None:
    async with serving(tmp_path, **NOOP) as served:
        port = httpx.URL(served.url).port
        settings = {"data_dir": tmp_path / "other", "port": port, **NOOP}
        ran = await asyncio.to_thread(serve, "--roles", "api", **settings)
    assert ran.returncode != 0
    assert "FOTOFILA_PORT" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    ("arguments", "settings", "named"),
    [
        (["--roles", "api,nobody"], {}, "nobody"),
        ([], {"capabilities": "library,none"}, "FOTOFILA_CAPABILITIES"),
        ([], {"queue_url": "amqp://host"}, "FOTOFILA_QUEUE_URL"),
        ([], {"storage_url": "ftp://bucket"}, "FOTOFILA_STORAGE_URL"),
        ([], {"lease_seconds": "soon"}, "FOTOFILA_LEASE_SECONDS"),
        ([], {"secret_key": "short"}, "FOTOFILA_SECRET_KEY"),
    ],
)
def test_bad_setting_stops_the_start_with_one_sentence(
    tmp_path: Path, arguments: list[str], settings: dict[str, str], named: str
) -> None:
    ran = serve(*arguments, **{"data_dir": tmp_path, "port": free_port(), **NOOP, **settings})
    assert ran.returncode != 0
    assert named in ran.stderr
    assert "Traceback" not in ran.stderr


def serve(*arguments: str, **settings: object) -> subprocess.CompletedProcess[str]:
    """Run `fotofila serve` to its end."""
    program = [sys.executable, "-m", "fotofila.cli", "serve", *arguments]
    return subprocess.run(program, env=environment(**settings), capture_output=True, text=True, check=False, timeout=90)
