from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from fotofila.core.capability import Capability, Kinds
from fotofila.core.clock import SystemClock
from fotofila.core.errors import StorageFullError
from fotofila.core.jobs.messages import Retrying
from fotofila.core.storage.local import LocalStorage
from fotofila.testing.misbehaving import KIND
from fotofila.worker.cancels import Cancels
from fotofila.worker.execution import Bench as Workbench
from fotofila.worker.execution import execute
from fotofila.worker.pool import ChildPool, Request
from fotofila.worker.reporter import INLINE_BYTES
from fotofila.worker.scratch import Trays
from tests.worker.conftest import Bench


class FullStorage(LocalStorage):
    """A storage that takes no result any more."""

    async def put(self, key: str, *arguments: Any, **more: Any) -> Any:
        if key.startswith("claims/"):
            raise StorageFullError("The disk is full: free some space on it.")
        return await super().put(key, *arguments, **more)


class Verbose(ChildPool):
    """Children with much to tell."""

    async def run(
        self, request: Request, *, on_progress: Callable[[float], None] | None = None, wait_seconds: float | None = None
    ) -> dict[str, Any]:
        del request, on_progress, wait_seconds
        told = {"words": "x" * 2 * INLINE_BYTES}
        return {"outcome": "done", "result": told, "renditions": [], "cpu_seconds": 0.0, "timings": {}}


async def test_result_that_no_disk_takes_is_tried_again_later(bench: Bench, tmp_path: Path) -> None:
    storage = FullStorage(tmp_path / "objects")
    asked = await replace(bench, storage=storage).ask("behave")
    (delivery,) = await bench.receive("process")
    (tmp_path / "trays").mkdir()
    workbench = Workbench(
        settings=bench.settings,
        clock=SystemClock(),
        queue=bench.queue,
        storage=storage,
        kinds=Kinds([Capability(name="misbehaving", job_kinds=(KIND,))]),
        pool=Verbose(size=1, memory_mb=1, seconds=1),
        name="test",
        trays=Trays(tmp_path / "trays"),
        cancels=Cancels(storage),
    )
    await execute(workbench, delivery, asked)
    (retrying,) = await bench.rest()
    assert isinstance(retrying, Retrying)
    assert (retrying.error.code, retrying.snooze) == ("storage_full", False)
    await bench.until_empty()
