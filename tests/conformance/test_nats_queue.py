from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

import pytest

from fotofila.core.queue import Queue
from fotofila.testing.queue_conformance import QueueConformance, QueueHarness
from fotofila.testing.servers import NatsServer
from tests.conformance.adapters import open_nats_queue, open_renamed_nats_queue


def harness_of(open_queue: Callable[[str], Queue], server: NatsServer) -> QueueHarness:
    async def bring_back() -> None:
        await asyncio.to_thread(server.start)

    async def take_away() -> None:
        await asyncio.to_thread(server.kill)

    return QueueHarness(
        open=partial(open_queue, server.url),
        pass_time=asyncio.sleep,
        lease_seconds=2,
        patience_seconds=10,
        splits_depth=False,
        take_away=take_away,
        bring_back=bring_back,
    )


class TestNatsQueue(QueueConformance):
    @pytest.fixture
    def harness(self, nats_server: NatsServer) -> QueueHarness:
        return harness_of(open_nats_queue, nats_server)


class TestNatsQueueWithOtherNames(QueueConformance):
    @pytest.fixture
    def harness(self, nats_server: NatsServer) -> QueueHarness:
        return harness_of(open_renamed_nats_queue, nats_server)
