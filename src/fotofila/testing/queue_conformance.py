"""The conformance suite of queues: each guarantee in the docstring of `core/queue/base.py` is a test here.

An adapter proves itself with a class of its own, which says how the queue is opened and how time passes:

    class TestMyQueue(QueueConformance):
        @pytest.fixture
        def harness(self, tmp_path):
            return QueueHarness(open=partial(open_my_queue, tmp_path), pass_time=asyncio.sleep, lease_seconds=1)

It needs pytest and pytest-asyncio (`asyncio_mode = "auto"`).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from fotofila.core.queue import Delivery, Depth, Outgoing, Queue
from fotofila.core.queue.base import MAX_PAYLOAD_BYTES
from fotofila.testing.processes import acting

DEDUP_WINDOW_SECONDS = 120


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

    async def receive(self, queue: Queue, *lanes: str, count: int = 10, wait_seconds: float = 0) -> list[Delivery]:
        """Receive under the harness's lease."""
        return await queue.receive(
            lanes or ("process",), max_messages=count, wait_seconds=wait_seconds, lease_seconds=self.lease_seconds
        )

    async def pass_lease(self) -> None:
        """Let a lease run out."""
        await self.pass_time(self.lease_seconds * 1.2)


class QueueConformance:
    """The guarantees of `fotofila.core.queue.base`, by number."""

    @pytest.fixture
    def harness(self) -> QueueHarness:
        """Return the harness of the adapter under test; each adapter's class has its own."""
        raise NotImplementedError

    @pytest.fixture
    async def queue(self, harness: QueueHarness) -> AsyncIterator[Queue]:
        """Open the queue for one test."""
        async with opened(harness) as queue:
            yield queue

    async def test_1_enqueued_message_survives_the_death_of_its_sender(self, harness: QueueHarness) -> None:
        """`enqueue` returned, `kill -9`: the message is there for the next process."""
        with acting(send_and_say, harness.open, [b"a", b"b"]) as sender:
            assert await sender.hear() == "sent"
            sender.kill()
        async with opened(harness) as queue:
            assert payloads(await harness.receive(queue)) == [b"a", b"b"]

    async def test_2_leased_message_is_given_to_nobody_else(self, harness: QueueHarness, queue: Queue) -> None:
        """While the lease holds there is one receiver."""
        await send(queue, b"a")
        async with opened(harness) as other:
            assert len(await harness.receive(queue)) == 1
            assert await harness.receive(other) == []

    async def test_2_processes_that_receive_at_once_share_the_messages(
        self, harness: QueueHarness, queue: Queue
    ) -> None:
        """Several processes empty a lane: together they get each message, and each only once."""
        wanted = [b"%d" % number for number in range(200)]
        got: Counter[bytes] = Counter()
        with ExitStack() as stack:
            part = (receive_all_and_say, harness.open, harness.lease_seconds)
            receivers = [stack.enter_context(acting(*part)) for _ in range(4)]
            for receiver in receivers:
                assert await receiver.hear() == "ready"
            await send(queue, *wanted)
            for receiver in receivers:
                got.update(await receiver.hear())
        assert got == Counter(wanted)

    async def test_3_unacked_delivery_returns_after_its_lease(self, harness: QueueHarness, queue: Queue) -> None:
        """It comes back with `deliveries` one higher and another receipt."""
        await send(queue, b"a")
        (first,) = await harness.receive(queue)
        await harness.pass_lease()
        (second,) = await harness.receive(queue)
        assert (first.deliveries, second.deliveries) == (1, 2)
        assert (first.message_id, first.payload) == (second.message_id, second.payload)
        assert first.receipt != second.receipt

    async def test_3_message_of_a_killed_receiver_comes_back(self, harness: QueueHarness, queue: Queue) -> None:
        """`kill -9` while it holds the lease loses nothing, and gives nothing away before the lease is over."""
        await send(queue, b"a")
        with acting(receive_and_say, harness.open, harness.lease_seconds) as receiver:
            assert await receiver.hear() == [b"a"]
            receiver.kill()
        assert await harness.receive(queue) == []
        await harness.pass_lease()
        (back,) = await harness.receive(queue)
        assert (back.payload, back.deliveries) == (b"a", 2)

    async def test_4_ack_ends_a_message(self, harness: QueueHarness, queue: Queue) -> None:
        """Also twice, and for several at once."""
        await send(queue, b"a", b"b")
        both = await harness.receive(queue)
        await queue.ack(both)
        await queue.ack(both)
        await harness.pass_lease()
        assert await harness.receive(queue) == []
        assert await queue.depth("process") == Depth(ready=0, leased=0)

    async def test_4_late_ack_ends_nothing_of_the_next_holder(self, harness: QueueHarness, queue: Queue) -> None:
        """A zombie acks, gives back or discards what somebody else holds by now: the holder's lease stays."""
        await send(queue, b"a")
        (zombie,) = await harness.receive(queue)
        await harness.pass_lease()
        (holder,) = await harness.receive(queue)
        await queue.ack([zombie])
        await queue.nack(zombie)
        await queue.discard(zombie)
        assert await harness.receive(queue) == []
        assert await queue.extend(holder, lease_seconds=harness.lease_seconds)
        await queue.ack([holder])
        assert await queue.depth("process") == Depth(ready=0, leased=0)

    async def test_5_nack_gives_a_message_back_at_once(self, harness: QueueHarness, queue: Queue) -> None:
        """Without a delay the next `receive` has it; it counts as delivered once."""
        await send(queue, b"a")
        (first,) = await harness.receive(queue)
        await queue.nack(first)
        (second,) = await harness.receive(queue, wait_seconds=2)
        assert (second.payload, second.deliveries) == (b"a", 2)

    async def test_5_nack_with_a_delay_is_kept_back_until_it_is_over(self, harness: QueueHarness, queue: Queue) -> None:
        """Not delivered before, delivered after."""
        await send(queue, b"a")
        (first,) = await harness.receive(queue)
        await queue.nack(first, delay_seconds=harness.lease_seconds * 3)
        await harness.pass_lease()
        assert await harness.receive(queue) == []
        await harness.pass_time(harness.lease_seconds * 2.5)
        assert payloads(await harness.receive(queue)) == [b"a"]

    async def test_6_extend_sets_the_lease_anew_from_now(self, harness: QueueHarness, queue: Queue) -> None:
        """Held for as long as it is extended in time, and no longer."""
        await send(queue, b"a")
        (held,) = await harness.receive(queue)
        for _ in range(3):
            await harness.pass_time(harness.lease_seconds * 0.7)
            assert await queue.extend(held, lease_seconds=harness.lease_seconds)
            assert await harness.receive(queue) == []
        await harness.pass_lease()
        assert payloads(await harness.receive(queue)) == [b"a"]

    async def test_6_extend_of_a_lost_lease_says_so(self, harness: QueueHarness, queue: Queue) -> None:
        """False, and the lease of the one who holds it by now is untouched."""
        await send(queue, b"a")
        (lost,) = await harness.receive(queue)
        await harness.pass_lease()
        (holder,) = await harness.receive(queue)
        assert not await queue.extend(lost, lease_seconds=harness.lease_seconds)
        await queue.ack([holder])
        assert not await queue.extend(holder, lease_seconds=harness.lease_seconds)

    async def test_7_dedup_id_is_taken_once_per_lane(self, harness: QueueHarness, queue: Queue) -> None:
        """In one call, in the next, after the ack, and from another process; another lane has its own ids."""
        twice = [Outgoing(payload=b"a", dedup_id="x"), Outgoing(payload=b"b", dedup_id="x")]
        await queue.enqueue("process", twice)
        await queue.enqueue("process", twice)
        with acting(send_and_say, harness.open, [b"c"], "x") as sender:
            assert await sender.hear() == "sent"
        got = await harness.receive(queue)
        assert payloads(got) == [b"a"]
        await queue.ack(got)
        await queue.enqueue("process", twice)
        await queue.enqueue("results", twice)
        assert await harness.receive(queue) == []
        assert payloads(await harness.receive(queue, "results")) == [b"a"]

    async def test_7_dedup_id_is_kept_for_two_minutes(self, harness: QueueHarness, queue: Queue) -> None:
        """A relay that was away for a while sends nothing twice."""
        if not harness.moves_clock:
            pytest.skip("two minutes would have to be waited for")
        await queue.enqueue("process", [Outgoing(payload=b"a", dedup_id="x")])
        await harness.pass_time(DEDUP_WINDOW_SECONDS - 1)
        await queue.enqueue("process", [Outgoing(payload=b"b", dedup_id="x")])
        assert payloads(await harness.receive(queue)) == [b"a"]

    async def test_8_message_whose_receivers_die_is_moved_to_the_failures(
        self, harness: QueueHarness, queue: Queue
    ) -> None:
        """After `max_deliveries` it goes to the failures lane: untouched, marked, told once."""
        await send(queue, b"poison", b"fine")
        for _ in range(3):
            got = await harness.receive(queue)
            await queue.ack([one for one in got if one.payload == b"fine"])
            assert b"poison" in payloads(got)
            await harness.pass_lease()
        assert await harness.receive(queue) == []
        (dead,) = await harness.receive(queue, "failures", wait_seconds=5)
        assert (dead.payload, dead.dead_letter) == (b"poison", True)
        await queue.ack([dead])
        await harness.pass_lease()
        assert await harness.receive(queue, "process", "failures") == []

    async def test_8_failures_lane_never_gives_up(self, harness: QueueHarness, queue: Queue) -> None:
        """A failure that its handler could not write down comes back for as long as it takes, with its mark."""
        await send(queue, b"told by a worker", lane="failures")
        for expected in range(1, 7):
            (told,) = await harness.receive(queue, "failures", wait_seconds=2)
            assert (told.payload, told.dead_letter, told.deliveries) == (b"told by a worker", False, expected)
            await harness.pass_lease()

    async def test_9_discard_ends_a_message_for_good(self, harness: QueueHarness, queue: Queue) -> None:
        """Nobody hears of it again, on no lane."""
        await send(queue, b"a")
        (held,) = await harness.receive(queue)
        await queue.discard(held)
        await harness.pass_lease()
        assert await harness.receive(queue, "process", "failures") == []

    async def test_10_depth_counts_ready_and_leased(self, harness: QueueHarness, queue: Queue) -> None:
        """What waits for its delay counts as ready; what came back from a lease too."""
        assert await queue.depth("process") == Depth(ready=0, leased=0)
        await send(queue, b"a", b"b", b"c")
        await send(queue, b"other", lane="results")
        held = await harness.receive(queue, count=2)
        assert await queue.depth("process") == Depth(ready=1, leased=2)
        await queue.nack(held[0], delay_seconds=harness.lease_seconds * 10)
        assert await queue.depth("process") == Depth(ready=2, leased=1)
        await harness.pass_lease()
        assert await queue.depth("process") == Depth(ready=3, leased=0)

    async def test_11_messages_come_about_in_order(self, harness: QueueHarness, queue: Queue) -> None:
        """One receiver that acks gets them as they were enqueued, give or take a few places."""
        for number in range(40):
            await send(queue, b"%d" % number)
        got: list[int] = []
        while received := await harness.receive(queue, count=7):
            got += [int(one.payload) for one in received]
            await queue.ack(received)
        assert sorted(got) == list(range(40))
        assert max(abs(place - number) for place, number in enumerate(got)) < 10

    async def test_lanes_are_taken_in_order_of_preference(self, harness: QueueHarness, queue: Queue) -> None:
        """A batch of thousands in one lane does not starve a single photo in another."""
        await send(queue, *[b"bulk"] * 30, lane="process.bulk")
        await send(queue, b"single")
        first = await harness.receive(queue, "process", "process.bulk", count=2)
        assert payloads(first) == [b"single", b"bulk"]
        assert [one.lane for one in await harness.receive(queue, "results", "process", count=2)] == []

    async def test_receive_takes_no_more_than_asked(self, harness: QueueHarness, queue: Queue) -> None:
        """The rest stays for others."""
        await send(queue, b"a", b"b", b"c")
        assert len(await harness.receive(queue, count=2)) == 2
        assert len(await harness.receive(queue, count=2)) == 1

    async def test_receive_waits_for_the_first_message(self, harness: QueueHarness, queue: Queue) -> None:
        """A message that another process sends ends the wait."""
        waiting = asyncio.create_task(harness.receive(queue, wait_seconds=60))
        with acting(send_and_say, harness.open, [b"late"]) as sender:
            assert await sender.hear() == "sent"
            async with asyncio.timeout(30):
                assert payloads(await waiting) == [b"late"]

    async def test_large_payloads_pass_and_larger_ones_are_refused(self, harness: QueueHarness, queue: Queue) -> None:
        """200 KiB of any bytes go through whole; one more is a ValueError and sends nothing of its batch."""
        large = bytes(range(256)) * (MAX_PAYLOAD_BYTES // 256)
        await send(queue, large)
        assert payloads(await harness.receive(queue)) == [large]
        with pytest.raises(ValueError, match="bytes"):
            await send(queue, b"small", large + b"!")
        assert await harness.receive(queue) == []


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
    say: Callable[[Any], None], open_queue: Callable[[], Queue], messages: list[bytes], dedup_id: str | None = None
) -> None:
    """Play a sender that stays alive."""
    queue = open_queue()
    await queue.enqueue("process", [Outgoing(payload=message, dedup_id=dedup_id) for message in messages])
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
