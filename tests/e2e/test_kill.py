"""Nothing lost, nothing twice: `kill -9` of any process at any moment, under load.

`FOTOFILA_TEST_KILLS` sets the number of kills (50), `FOTOFILA_TEST_SEED` repeats a run.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from fotofila.bootstrap import make_context
from fotofila.core.capability import Context
from fotofila.core.config import load_settings
from fotofila.testing.pictures import jpeg
from fotofila.testing.servers.process import free_port
from tests.e2e.conftest import NOOP, Tell, faces_can_run, make_key
from tests.e2e.kill_client import Client
from tests.e2e.kill_fleet import Killer, fleet
from tests.e2e.kill_verdict import LOOK_SECONDS, judge, open_jobs, wait_until_over
from tests.e2e.processes import environment, members

KILLS = int(os.environ.get("FOTOFILA_TEST_KILLS", "50"))
SEED = int(os.environ.get("FOTOFILA_TEST_SEED", str(secrets.randbelow(10**6))))
UPLOADERS = 4
MOST_OPEN_JOBS = 80
"""With more, the client waits: the test is about kills, not about a backlog."""
DRAIN_SECONDS = 150

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]


async def test_every_accepted_photo_ends_with_exactly_one_result(tmp_path: Path, tell: Tell) -> None:
    await survive(tmp_path, tell, kills=KILLS, names={"noop.txt"}, **NOOP)


async def test_nothing_is_lost_that_the_reconciler_would_have_to_find(tmp_path: Path, tell: Tell) -> None:
    """The same without its help: outbox, queue and leases lose nothing by themselves."""
    await survive(tmp_path, tell, kills=KILLS * 2 // 5, names={"noop.txt"}, reconcile_interval_seconds=3600, **NOOP)


async def test_faces_are_found_whoever_is_killed(tmp_path: Path, tell: Tell) -> None:
    if not faces_can_run():
        pytest.skip("the models are not here: fotofila models fetch")
    names = {"256.webp", "1024.webp", "annotated.webp"}
    await survive(tmp_path, tell, kills=KILLS // 5, names=names, bodies=[portrait()])


def portrait() -> bytes:
    """Return a picture with enough in it to keep a child busy for a while."""
    return jpeg(width=1600, height=1200)


async def survive(
    folder: Path, tell: Tell, *, kills: int, names: set[str], bodies: list[bytes] | None = None, **settings: Any
) -> None:
    """Run the fleet under load, kill, wait until all is over, judge."""
    tell(f"FOTOFILA_TEST_SEED={SEED}")
    port, data_dir = free_port(), folder / "data"
    chosen = {
        "data_dir": data_dir,
        "lease_seconds": 2,
        "retry_scale": 0.01,
        "reconcile_interval_seconds": 1,
        "sweep_interval_seconds": 2,
        "drain_seconds": 1,
        "workers": 2,
        **settings,
    }
    process = environment(port=port, rate_limit="100000/minute", **chosen)
    began = time.monotonic()
    with members(*fleet(folder, process)) as running:
        await asyncio.gather(*(member.wait_ready() for member in running.values()))
        key = await make_key(data_dir)
        context = make_context(load_settings(**{**chosen, "orphan_age_seconds": 0}))
        killer = Killer(members=running, random=Random(SEED))
        try:
            async with uploading(f"http://127.0.0.1:{port}", key, context, bodies) as client:
                await killer.go(kills)
            await wait_until_over(context, seconds=DRAIN_SECONDS)
            for member in running.values():
                assert await member.terminate() == 0, f"{member.name}: {member.said[-3000:]}"
            states = await judge(context, client.accepted, names=names)
        finally:
            await context.close()
    starts = sum(member.starts for member in running.values())
    tell(
        f"{len(client.accepted)} photos accepted: {dict(states)}; killed {dict(killer.killed)}, "
        f"stopped {dict(killer.stopped)}, {starts} processes started; client: {dict(client.told)}; "
        f"{time.monotonic() - began:.0f} s"
    )


@asynccontextmanager
async def uploading(url: str, key: str, context: Context, bodies: list[bytes] | None) -> AsyncIterator[Client]:
    """Upload for the length of a block."""
    stop, room = asyncio.Event(), asyncio.Event()
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=20) as http:
        client = Client(http=http, random=Random(SEED), bodies=bodies)
        batches = [await client.make_batch(name) for name in ("first", "second")]
        async with asyncio.TaskGroup() as tasks:
            for _ in range(UPLOADERS):
                tasks.create_task(client.go_on(stop, room, batches))
            tasks.create_task(keep_room(context, stop, room))
            try:
                yield client
            finally:
                stop.set()
                room.set()


async def keep_room(context: Context, stop: asyncio.Event, room: asyncio.Event) -> None:
    """Let the client go on while not too many jobs are open."""
    while not stop.is_set():
        if await open_jobs(context) < MOST_OPEN_JOBS:
            room.set()
        else:
            room.clear()
        await asyncio.sleep(LOOK_SECONDS)
