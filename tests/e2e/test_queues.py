"""The whole way of a photo over queues on servers, with a server that dies and one that is replaced by an empty one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from fotofila.testing.pictures import jpeg
from fotofila.testing.servers import NatsServer
from tests.e2e.conftest import NOOP, Served, serving
from tests.e2e.processes import Member, environment, members

pytestmark = pytest.mark.e2e

QUICK: dict[str, Any] = {**NOOP, "lease_seconds": 2, "reconcile_interval_seconds": 1, "workers": 1}
"""Lost messages are found after two leases."""


@asynccontextmanager
async def serving_with_worker(folder: Path, **settings: Any) -> AsyncIterator[Served]:
    """Run every role but the worker in one process, and a worker that knows queue and storage in another."""
    roles = "api,relay,feedback,failures,reconciler,sweeper,notify"
    async with serving(folder, arguments=("serve", "--roles", roles), **settings) as served:
        worker = Member(
            name="work",
            arguments=("work",),
            ready_when='"worker.started"',
            environment=environment(data_dir=served.data_dir, log_level="info", **settings),
            log=folder / "work.log",
        )
        with members(worker):
            await worker.wait_ready()
            yield served
            assert await worker.terminate() == 0, worker.said[-3000:]


@pytest.fixture(params=["nats", "sqs"])
def queue(request: pytest.FixtureRequest) -> dict[str, Any]:
    if request.param == "nats":
        return {"queue_url": request.getfixturevalue("nats_url")}
    keys = {"queue_access_key_id": "test", "queue_secret_access_key": "test"}
    return {"queue_url": "sqs://us-east-1", "queue_endpoint": request.getfixturevalue("sqs_url"), **keys}


async def test_photos_pass_over_a_server(tmp_path: Path, queue: dict[str, Any]) -> None:
    async with serving_with_worker(tmp_path, **QUICK, **queue) as served, served.client() as client:
        ready = await client.get("/readyz")
        assert ready.status_code == 200, ready.text
        for _ in range(3):
            answer = await client.post("/api/photos", params={"wait": 60}, content=jpeg())
            assert answer.json()["job"]["state"] == "done", answer.text


@pytest.mark.parametrize("wiped", [False, True], ids=["killed", "wiped"])
async def test_photos_outlive_the_queue_server(tmp_path: Path, nats_server: NatsServer, wiped: bool) -> None:
    async with serving_with_worker(tmp_path, **QUICK, queue_url=nats_server.url) as served, served.client() as client:
        before = [await upload(client) for _ in range(20)]
        nats_server.kill()
        during = [await upload(client) for _ in range(20)]
        if wiped:
            nats_server.wipe()
        nats_server.start()
        after = [await upload(client) for _ in range(5)]
        async with asyncio.timeout(90):
            for job_id in (*before, *during, *after):
                await finish(client, job_id)
        failures = (await client.get("/api/failures")).json()["items"]
    assert failures == []


async def upload(client: httpx.AsyncClient) -> str:
    answer = await client.post("/api/photos", content=jpeg())
    assert answer.status_code == 202, answer.text
    job_id: str = answer.json()["job"]["id"]
    return job_id


async def finish(client: httpx.AsyncClient, job_id: str) -> None:
    while (await client.get(f"/api/jobs/{job_id}")).json()["state"] != "done":  # noqa: ASYNC110 - it is elsewhere
        await asyncio.sleep(0.1)
