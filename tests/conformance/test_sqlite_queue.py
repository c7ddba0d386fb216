from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from fotofila.core.queue import Queue
from fotofila.testing.clock import FileClock
from fotofila.testing.queue_conformance import QueueConformance, QueueHarness
from tests.conformance.adapters import open_renamed_sqlite_queue, open_sqlite_queue


def harness_of(open_queue: Callable[[], Queue], folder: Path) -> QueueHarness:
    clock = FileClock(path=folder / "clock")

    async def pass_time(seconds: float) -> None:
        clock.advance(seconds)

    return QueueHarness(open=open_queue, pass_time=pass_time, lease_seconds=30, moves_clock=True)


class TestSqliteQueue(QueueConformance):
    @pytest.fixture
    def harness(self, tmp_path: Path) -> QueueHarness:
        return harness_of(partial(open_sqlite_queue, tmp_path), tmp_path)


class TestSqliteQueueWithOtherNames(QueueConformance):
    @pytest.fixture
    def harness(self, tmp_path: Path) -> QueueHarness:
        return harness_of(partial(open_renamed_sqlite_queue, tmp_path), tmp_path)
