"""What the conformance suite of queues needs of an adapter, and the parts that its other processes play."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fotofila.core.queue import Delivery, Depth, Outgoing, Queue

STEADY_SECONDS = 60.0
"""A lease that no test waits for, where slowness must not end it."""


async def nothing() -> None:
    """Do nothing: an embedded queue has no server that could go away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueHarness:
    """How the suite reaches an adapter."""

    open: Callable[[], Queue]
    """Opens the queue, the same one at each call. It is pickled and called in other processes too. The queue's
    `max_deliveries` must be 3, and its lanes empty when a test begins."""

    pass_time: Callable[[float], Awaitable[None]]
    """Lets so many seconds pass for the queue: by moving a clock that all processes share, or by waiting."""

    lease_seconds: float
    """A lease that the tests may wait for: long where a clock is moved, short where time really passes."""

    moves_clock: bool = False
    """Time is moved and not waited for: the de-duplication window is then tested to its end."""

    patience_seconds: float = 0
    """How long what must come may take; 0 where it is there at once."""

    dedups_for_all: bool = True
    """False where each sender only knows the de-duplication ids that it used itself."""

    delivers_once: bool = True
    """False where the server may, rarely, give a message to two receivers at once."""

    splits_depth: bool = True
    """False where what waits for its delay, or whose lease is over, counts as leased until it is received."""

    take_away: Callable[[], Awaitable[None]] = nothing
    """Ends the server as hard as it can be done without losing what it confirmed."""

    bring_back: Callable[[], Awaitable[None]] = nothing
    """Has it serve again, with all that it had."""

    async def receive(
        self, queue: Queue, *lanes: str, count: int = 10, wait_seconds: float = 0, lease_seconds: float = 0
    ) -> list[Delivery]:
        """Receive under the harness's lease, or another."""
        return await queue.receive(
            lanes or ("process",),
            max_messages=count,
            wait_seconds=wait_seconds,
            lease_seconds=lease_seconds or self.lease_seconds,
        )

    async def collect(
        self, queue: Queue, *lanes: str, count: int = 1, lease_seconds: float = 0, ack: bool = False
    ) -> list[Delivery]:
        """Receive so many, with patience; fewer are returned when no more come."""
        got: list[Delivery] = []
        while len(got) < count:
            more = await self.receive(
                queue,
                *lanes,
                count=count - len(got),
                wait_seconds=self.patience_seconds,
                lease_seconds=lease_seconds,
            )
            if not more:
                break
            got += more
            if ack:
                await queue.ack(more)
        return got

    async def holds(self, queue: Queue, lane: str, expected: Depth) -> bool:
        """Say whether a lane comes to be counted so."""
        deadline = time.monotonic() + self.patience_seconds
        while (depth := await queue.depth(lane)) != expected:
            if not self.splits_depth and depth.ready + depth.leased == expected.ready + expected.leased:
                return True
            if time.monotonic() >= deadline:
                return False
            await asyncio.sleep(0.05)
        return True

    async def pass_lease(self) -> None:
        """Let a lease run out."""
        await self.pass_time(self.lease_seconds * 1.2)


@asynccontextmanager
async def opened(harness: QueueHarness) -> AsyncIterator[Queue]:
    """Open the queue for a block."""
    async with AsyncExitStack() as stack:
        queue = harness.open()
        stack.push_async_callback(queue.close)
        yield queue


async def send(queue: Queue, *messages: bytes, lane: str = "process") -> None:
    """Enqueue payloads in one call."""
    await queue.enqueue(lane, [Outgoing(payload=message) for message in messages])


def payloads(deliveries: list[Delivery]) -> list[bytes]:
    """Return what was delivered."""
    return [delivery.payload for delivery in deliveries]


async def send_and_say(
    say: Callable[[Any], None],
    open_queue: Callable[[], Queue],
    lane: str,
    messages: list[bytes],
    dedup_id: str | None = None,
) -> None:
    """Play a sender that stays alive."""
    queue = open_queue()
    await queue.enqueue(lane, [Outgoing(payload=message, dedup_id=dedup_id) for message in messages])
    say("sent")
    await asyncio.Event().wait()


async def receive_and_say(say: Callable[[Any], None], open_queue: Callable[[], Queue], lease_seconds: float) -> None:
    """Play a receiver that never acks."""
    got = await open_queue().receive(["process"], max_messages=10, wait_seconds=30, lease_seconds=lease_seconds)
    say(payloads(got))
    await asyncio.Event().wait()


async def receive_all_and_say(
    say: Callable[[Any], None], open_queue: Callable[[], Queue], lease_seconds: float
) -> None:
    """Play one of several receivers that empty a lane by two at a time, acking as they go."""
    queue, got = open_queue(), []
    await queue.depth("process")
    say("ready")
    while received := await queue.receive(["process"], max_messages=2, wait_seconds=3, lease_seconds=lease_seconds):
        got += payloads(received)
        await queue.ack(received)
    await queue.close()
    say(got)
