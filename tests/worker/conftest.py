from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from fotofila.core.capability import Capability, JobKind, Kinds
from fotofila.core.clock import SystemClock
from fotofila.core.config import Settings, load_settings
from fotofila.core.ids import new_id
from fotofila.core.jobs.messages import Failed, ProcessMessage, Result, Source, read_failed, read_result
from fotofila.core.queue import Delivery, Depth, LaneNames, Outgoing, Queue
from fotofila.core.queue.sqlite import SqliteQueue
from fotofila.core.storage.local import LocalStorage
from fotofila.testing.clock import FileClock
from fotofila.testing.misbehaving import KIND
from fotofila.worker.ahead import QUICK_SECONDS
from fotofila.worker.loop import run_worker

OWNER = new_id()
MAX_DELIVERIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A worker's surroundings: queue, storage, settings, and a clock for the queue alone."""

    settings: Settings
    queue: Queue
    storage: LocalStorage
    clock: FileClock
    read: list[Result] = field(default_factory=list)

    @asynccontextmanager
    async def working(
        self, queue: Queue | None = None, *, kind: JobKind = KIND, quick_seconds: float = QUICK_SECONDS
    ) -> AsyncIterator[asyncio.Event]:
        """Run a worker for a block; the event stops it earlier."""
        stop = asyncio.Event()
        task = asyncio.create_task(
            run_worker(
                settings=self.settings,
                clock=SystemClock(),
                queue=queue or self.queue,
                storage=self.storage,
                kinds=Kinds([Capability(name="misbehaving", job_kinds=(kind,))]),
                stop=stop,
                quick_seconds=quick_seconds,
            )
        )
        try:
            yield stop
        finally:
            stop.set()
            await task

    async def ask(self, how: str, **changes: Any) -> ProcessMessage:
        """Send a job."""
        job_id, photo_id = new_id(), new_id()
        source = Source(
            photo_id=photo_id,
            key=f"originals/{OWNER}/{photo_id}",
            media_type="image/jpeg",
            size_bytes=8,
            checksum_sha256="0" * 64,
        )
        await self.storage.put(source.key, b"original")
        fields: dict[str, Any] = {
            "id": f"{job_id}-1-1-1",
            "kind": KIND.name,
            "kind_version": 1,
            "job_id": job_id,
            "owner": OWNER,
            "round": 1,
            "attempt": 1,
            "dispatch": 1,
            "created_at": SystemClock().now(),
            "lane": "process",
            "max_attempts": 4,
            "args": {"how": how, **changes.pop("args", {})},
            "source": source,
        }
        message = ProcessMessage(**{**fields, **changes})
        await self.queue.enqueue("process", [Outgoing(payload=message.dump())])
        return message

    async def hear(self, *types: str, seconds: float = 30) -> Result:
        """Return the first report of one of these types; all that came are kept in `read`."""
        async with asyncio.timeout(seconds):
            while True:
                for delivery in await self.receive("results", wait_seconds=1):
                    self.read.append(read_result(delivery.payload))
                    await self.queue.ack([delivery])
                    if self.read[-1].type in types:
                        return self.read[-1]

    async def hear_failure(self) -> Failed:
        """Return the first failure that a worker tells of."""
        (delivery,) = await self.receive("failures", wait_seconds=30)
        assert not delivery.dead_letter
        await self.queue.ack([delivery])
        return read_failed(delivery.payload)

    async def receive(self, lane: str, *, wait_seconds: float = 0) -> list[Delivery]:
        """Receive one."""
        return await self.queue.receive(
            [lane], max_messages=1, wait_seconds=wait_seconds, lease_seconds=self.settings.lease_seconds
        )

    async def until_empty(self, lane: str = "process") -> None:
        """Wait until a lane has nothing, ready or leased."""
        async with asyncio.timeout(30):
            while await self.queue.depth(lane) != Depth(ready=0, leased=0):  # noqa: ASYNC110 - another task works
                await asyncio.sleep(0.02)

    async def rest(self) -> list[Result]:
        """Return every report that came, also those that were not waited for."""
        while delivery := await self.receive("results"):
            self.read.append(read_result(delivery[0].payload))
            await self.queue.ack(delivery)
        return self.read

    async def objects(self, prefix: str = "renditions/") -> list[str]:
        """Return the keys of what was stored."""
        return [info.key async for info in self.storage.list(prefix)]


def open_queue(folder: Path, clock: FileClock) -> SqliteQueue:
    return SqliteQueue(folder / "queue.db", max_deliveries=MAX_DELIVERIES, names=LaneNames(), now=clock.now)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    clock = FileClock(path=tmp_path / "clock")
    settings = load_settings(
        data_dir=tmp_path,
        lease_seconds=0.6,
        retry_scale=0,
        workers=1,
        job_seconds=20,
        child_memory_mb=768,
        capabilities=["noop"],
    )
    queue = open_queue(tmp_path, clock)
    yield Bench(settings=settings, queue=queue, storage=LocalStorage(tmp_path / "objects"), clock=clock)
    await queue.close()


def with_settings(bench: Bench, **changes: object) -> Bench:
    """Return the bench with other settings."""
    return replace(bench, settings=bench.settings.model_copy(update=changes))


def types(results: Iterable[Result]) -> list[str]:
    """Return the types of reports, without the heartbeats, of which there may be any number."""
    return [result.type for result in results if result.type not in {"heartbeat", "progress"}]


def without_started(results: Iterable[Result]) -> list[str]:
    """Return the same without what only work tells that goes on for a while."""
    return [each for each in types(results) if each != "started"]
