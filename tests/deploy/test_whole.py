"""A photo goes its way through the processes of the Compose file, each with the environment that it has there."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from fotofila.testing.pictures import jpeg
from fotofila.testing.servers.process import free_ports
from tests.deploy.composed import ComposedNats, ComposedS3, environment_of, with_addresses
from tests.deploy.files import DEPLOY, ours, services
from tests.e2e.conftest import NOOP
from tests.e2e.processes import Member, members

READY = {"api": "api.listening", "worker": "worker.started"}
RUNNING = [name for name in ours() if name != "migrate"]


async def run(*words: str, environment: Mapping[str, str]) -> str:
    """Run a command to its end and return what it printed."""
    program = [sys.executable, *words]
    process = await asyncio.create_subprocess_exec(*program, env=environment, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    assert process.returncode == 0, words
    return out.decode()


def environments(folder: Path, secrets: Path, addresses: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return the environment of each service: its image's, its own, and an ingest kind that needs no models."""
    there = folder / "secrets"
    there.mkdir()
    for path in secrets.iterdir():
        (there / path.name).write_text(with_addresses(path.read_text(encoding="utf-8"), addresses), encoding="utf-8")
    base = {name: value for name, value in os.environ.items() if not name.startswith(("FOTOFILA_", "AWS_"))}
    base |= {f"FOTOFILA_{name.upper()}": value for name, value in NOOP.items()}
    base |= {"FOTOFILA_DATA_DIR": str(folder / "data"), "FOTOFILA_HOST": "127.0.0.1"}
    made = {}
    for name, ports in zip(ours(), zip(*[iter(free_ports(2 * len(ours())))] * 2, strict=True), strict=True):
        answering = {"FOTOFILA_PORT": str(ports[0]), "FOTOFILA_METRICS_PORT": str(ports[1])}
        made[name] = base | answering | environment_of(name, addresses, there)
    return made


@pytest.mark.e2e
async def test_photo_goes_its_way_through_the_services_of_compose(
    initialised: str, secrets: Path, tmp_path: Path
) -> None:
    with ComposedNats(tmp_path / "nats", secrets) as nats, ComposedS3(tmp_path / "s3", secrets) as storage:
        addresses = {
            "postgres:5432": f"127.0.0.1:{urlsplit(initialised).port}",
            "nats:4222": f"127.0.0.1:{nats.port}",
            "seaweedfs:8333": f"127.0.0.1:{storage.port}",
        }
        given = environments(tmp_path, secrets, addresses)
        assert "database" not in json.dumps({k: v for k, v in given["worker"].items() if "FOTOFILA" in k}).lower()
        await run("-m", "fotofila.cli", *services()["migrate"]["command"], environment=given["migrate"])
        every = [
            Member(
                name=name,
                arguments=tuple(services()[name]["command"]),
                ready_when=f'"{READY.get(name, "serve.started")}"',
                environment=given[name],
                log=tmp_path / f"{name}.log",
            )
            for name in RUNNING
        ]
        with ExitStack() as stack:
            running: dict[str, Member] = {}
            for member in every:  # in the order in which they wait for each other
                running |= stack.enter_context(members(member))
                await member.wait_ready()
            for name in RUNNING:
                path = "/healthz" if name == "api" else "/metrics"
                await run(str(DEPLOY / "healthcheck.py"), path, environment=given[name])
            await send_and_fetch(given["api"])
            codes = await asyncio.gather(*(member.terminate() for member in running.values()))
            assert set(codes) == {0}
    assert not (tmp_path / "data").exists(), "the root of a container is read-only"


async def send_and_fetch(environment: Mapping[str, str]) -> None:
    made = json.loads(await run("-m", "fotofila.cli", "keys", "create", "test", "--json", environment=environment))
    headers = {"Authorization": f"Bearer {made['key']}", "Host": "localhost"}
    address = f"http://127.0.0.1:{environment['FOTOFILA_PORT']}"
    picture = jpeg()
    async with httpx.AsyncClient(base_url=address, headers=headers, timeout=60) as client:
        ready = await client.get("/readyz")
        assert ready.status_code == 200, ready.text
        sent = await client.post("/api/photos", params={"filename": "a.jpg", "wait": 30}, content=picture)
        assert sent.json()["job"]["state"] == "done", sent.text
        fetched = await client.get(sent.json()["photo"]["links"]["image"])
        assert fetched.status_code == 200
        assert fetched.content == picture
