from __future__ import annotations

import asyncio
from collections.abc import Sequence

import psutil

from fotofila.core.errors import UnavailableError
from fotofila.core.jobs.messages import Finished
from fotofila.core.queue import Delivery, Depth, Outgoing, Queue
from tests.worker.conftest import Bench, with_settings, without_started


class HaltingQueue:
    """A queue that is away while its lease should be extended, so often."""

    def __init__(self, queue: Queue, *, away: int) -> None:
        self._queue = queue
        self.away = away

    async def extend(self, delivery: Delivery, *, lease_seconds: float) -> bool:
        if self.away > 0:
            self.away -= 1
            raise UnavailableError("The queue does not answer.")
        return await self._queue.extend(delivery, lease_seconds=lease_seconds)

    async def enqueue(self, lane: str, messages: Sequence[Outgoing]) -> None:
        await self._queue.enqueue(lane, messages)

    async def receive(
        self, lanes: Sequence[str], *, max_messages: int, wait_seconds: float, lease_seconds: float
    ) -> list[Delivery]:
        return await self._queue.receive(
            lanes, max_messages=max_messages, wait_seconds=wait_seconds, lease_seconds=lease_seconds
        )

    async def ack(self, deliveries: Sequence[Delivery]) -> None:
        await self._queue.ack(deliveries)

    async def nack(self, delivery: Delivery, *, delay_seconds: float = 0) -> None:
        await self._queue.nack(delivery, delay_seconds=delay_seconds)

    async def discard(self, delivery: Delivery) -> None:
        await self._queue.discard(delivery)

    async def depth(self, lane: str) -> Depth:
        return await self._queue.depth(lane)

    async def close(self) -> None:
        await self._queue.close()


async def take_over(bench: Bench) -> Delivery:
    """Let the worker's lease run out and take the message, before its next extension can."""
    async with asyncio.timeout(30):
        while True:
            bench.clock.advance(bench.settings.lease_seconds * 2)
            if taken := await bench.receive("process"):
                return taken[0]


async def test_worker_that_works_keeps_its_lease(bench: Bench) -> None:
    await bench.ask("hang")
    async with bench.working():
        await bench.hear("started")
        for _ in range(4):
            await bench.hear("heartbeat")
            bench.clock.advance(bench.settings.lease_seconds / 2)
            assert await bench.queue.depth("process") == Depth(ready=0, leased=1)
        bench.clock.advance(-bench.settings.lease_seconds)
        await take_over(bench)


async def test_zombie_stops_its_child_and_says_nothing_more(bench: Bench) -> None:
    await bench.ask("hang")
    async with bench.working():
        await bench.hear("started")
        held = await take_over(bench)
        children = psutil.Process().children()
        assert [child.name() for child in children if child.is_running()]
        await bench.ask("behave")
        await bench.hear("finished")
        assert without_started(bench.read) == ["finished"]
    assert await bench.queue.depth("process") == Depth(ready=0, leased=1)
    await bench.queue.ack([held])
    assert without_started(await bench.rest()) == ["finished"]


async def test_queue_that_is_away_for_a_moment_costs_nothing(bench: Bench) -> None:
    bench = with_settings(bench, job_seconds=3)
    halting = HaltingQueue(bench.queue, away=3)
    await bench.ask("hang", max_attempts=1)
    async with bench.working(halting):
        await bench.hear("heartbeat")
        assert halting.away == 0
        failed = await bench.hear_failure()
    assert failed.error.code == "timed_out", "the job ended as it would have: no beat that failed had a word in it"


async def test_report_comes_before_the_ack(bench: Bench) -> None:
    """A worker that dies between the two leaves a message that is worked on again, never one that nobody knows of."""
    await bench.ask("behave")
    async with bench.working():
        finished = await bench.hear("finished")
        assert isinstance(finished, Finished)
        await bench.until_empty()


async def test_worker_without_a_queue_waits_for_it(bench: Bench) -> None:
    class AwayQueue(HaltingQueue):
        async def receive(
            self, lanes: Sequence[str], *, max_messages: int, wait_seconds: float, lease_seconds: float
        ) -> list[Delivery]:
            if self.away > 0:
                self.away -= 1
                raise UnavailableError("The queue does not answer.")
            return await super().receive(
                lanes, max_messages=max_messages, wait_seconds=wait_seconds, lease_seconds=lease_seconds
            )

    away = AwayQueue(bench.queue, away=2)
    await bench.ask("behave")
    async with bench.working(away):
        await bench.hear("finished")
    assert away.away == 0
