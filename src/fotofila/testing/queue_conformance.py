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
from collections.abc import AsyncIterator
from contextlib import ExitStack, suppress

import pytest

from fotofila.core.errors import UnavailableError
from fotofila.core.queue import Depth, Outgoing, Queue
from fotofila.core.queue.base import MAX_PAYLOAD_BYTES
from fotofila.testing.processes import acting
from fotofila.testing.queue_harness import (
    STEADY_SECONDS,
    QueueHarness,
    nothing,
    opened,
    payloads,
    receive_all_and_say,
    receive_and_say,
    send,
    send_and_say,
)

__all__ = ["QueueConformance", "QueueHarness"]

DEDUP_WINDOW_SECONDS = 120


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
        with acting(send_and_say, harness.open, "process", [b"a", b"b"]) as sender:
            assert await sender.hear() == "sent"
            sender.kill()
        async with opened(harness) as queue:
            assert sorted(payloads(await harness.collect(queue, count=2))) == [b"a", b"b"]

    async def test_1_confirmed_messages_survive_the_death_of_the_server(
        self, harness: QueueHarness, queue: Queue
    ) -> None:
        """It dies while a sender sends and a receiver receives: all that `enqueue` returned for is received."""
        confirmed, got = set[bytes](), set[bytes]()
        stop = asyncio.Event()

        async def receive() -> None:
            while not stop.is_set() or confirmed - got:
                with suppress(UnavailableError):
                    received = await harness.receive(queue, wait_seconds=0.5)
                    got.update(payloads(received))
                    await queue.ack(received)

        receiving = asyncio.create_task(receive())
        for number in range(60):
            if number in {20, 40}:
                await harness.take_away()
                await harness.bring_back()
            batch = [b"%d-%d" % (number, part) for part in range(3)]
            with suppress(UnavailableError):
                await send(queue, *batch)
                confirmed.update(batch)
        stop.set()
        async with asyncio.timeout(60):
            await receiving
        assert len(confirmed) > 3
        assert confirmed <= got

    async def test_1_server_that_is_away_is_told_of_and_met_again(self, harness: QueueHarness, queue: Queue) -> None:
        """`enqueue` raises while it is away, and works as soon as it is back."""
        await send(queue, b"before")
        if harness.take_away is not nothing:
            await harness.take_away()
            with pytest.raises(UnavailableError):
                await send(queue, b"meanwhile")
            with pytest.raises(UnavailableError):
                await harness.receive(queue)
            await harness.bring_back()
        await send(queue, b"after")
        got = set[bytes]()
        while not {b"before", b"after"} <= got:
            received = await harness.collect(queue, lease_seconds=STEADY_SECONDS)
            assert received, f"only {got} came"
            got.update(payloads(received))

    async def test_2_leased_message_is_given_to_nobody_else(self, harness: QueueHarness, queue: Queue) -> None:
        """While the lease holds there is one receiver."""
        await send(queue, b"a")
        async with opened(harness) as other:
            assert len(await harness.collect(queue, lease_seconds=STEADY_SECONDS)) == 1
            assert await harness.receive(other, lease_seconds=STEADY_SECONDS) == []

    async def test_2_processes_that_receive_at_once_share_the_messages(
        self, harness: QueueHarness, queue: Queue
    ) -> None:
        """Several processes empty a lane: together they get each message, each once where the server can do that."""
        wanted = [b"%d" % number for number in range(200)]
        got: Counter[bytes] = Counter()
        with ExitStack() as stack:
            part = (receive_all_and_say, harness.open, STEADY_SECONDS)
            receivers = [stack.enter_context(acting(*part)) for _ in range(4)]
            for receiver in receivers:
                assert await receiver.hear() == "ready"
            await send(queue, *wanted)
            for receiver in receivers:
                got.update(await receiver.hear())
        twice = [payload for payload, times in got.items() if times > 1]
        assert set(wanted) - set(got) == set()
        assert twice == [] or (not harness.delivers_once and len(twice) < 10)

    async def test_3_unacked_delivery_returns_after_its_lease(self, harness: QueueHarness, queue: Queue) -> None:
        """It comes back with `deliveries` one higher and another receipt."""
        await send(queue, b"a")
        (first,) = await harness.collect(queue)
        await harness.pass_lease()
        (second,) = await harness.collect(queue)
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
        (back,) = await harness.collect(queue)
        assert (back.payload, back.deliveries) == (b"a", 2)

    async def test_4_ack_ends_a_message(self, harness: QueueHarness, queue: Queue) -> None:
        """Also twice, and for several at once."""
        await send(queue, b"a", b"b")
        both = await harness.collect(queue, count=2)
        await queue.ack(both)
        await queue.ack(both)
        await harness.pass_lease()
        assert await harness.receive(queue) == []
        assert await harness.holds(queue, "process", Depth(ready=0, leased=0))

    async def test_4_late_ack_ends_nothing_of_the_next_holder(self, harness: QueueHarness, queue: Queue) -> None:
        """A zombie acks, gives back or discards what somebody else holds by now: the holder's lease stays."""
        await send(queue, b"a")
        (zombie,) = await harness.collect(queue)
        await harness.pass_lease()
        (holder,) = await harness.collect(queue)
        await queue.ack([zombie])
        await queue.nack(zombie)
        await queue.discard(zombie)
        assert await harness.receive(queue) == []
        assert await queue.extend(holder, lease_seconds=harness.lease_seconds)
        await queue.ack([holder])
        assert await harness.holds(queue, "process", Depth(ready=0, leased=0))

    async def test_5_nack_gives_a_message_back_at_once(self, harness: QueueHarness, queue: Queue) -> None:
        """Without a delay the next `receive` has it; it counts as delivered once."""
        await send(queue, b"a")
        (first,) = await harness.collect(queue, lease_seconds=STEADY_SECONDS)
        await queue.nack(first)
        (second,) = await harness.receive(queue, wait_seconds=20, lease_seconds=STEADY_SECONDS)
        assert (second.payload, second.deliveries) == (b"a", 2)

    async def test_5_nack_with_a_delay_is_kept_back_until_it_is_over(self, harness: QueueHarness, queue: Queue) -> None:
        """Not delivered before, delivered after."""
        await send(queue, b"a")
        (first,) = await harness.collect(queue)
        await queue.nack(first, delay_seconds=harness.lease_seconds * 3)
        await harness.pass_lease()
        assert await harness.receive(queue) == []
        await harness.pass_time(harness.lease_seconds * 2.5)
        assert payloads(await harness.collect(queue)) == [b"a"]

    async def test_6_extend_sets_the_lease_anew_from_now(self, harness: QueueHarness, queue: Queue) -> None:
        """Held for as long as it is extended in time, and no longer."""
        await send(queue, b"a")
        (held,) = await harness.collect(queue)
        for _ in range(4):
            await harness.pass_time(harness.lease_seconds * 0.5)
            assert await queue.extend(held, lease_seconds=harness.lease_seconds)
            assert await harness.receive(queue) == []
        await harness.pass_lease()
        assert payloads(await harness.collect(queue)) == [b"a"]

    async def test_6_extend_of_a_lost_lease_says_so(self, harness: QueueHarness, queue: Queue) -> None:
        """False, and the lease of the one who holds it by now is untouched."""
        await send(queue, b"a")
        (lost,) = await harness.collect(queue)
        await harness.pass_lease()
        (holder,) = await harness.collect(queue)
        assert not await queue.extend(lost, lease_seconds=harness.lease_seconds)
        await queue.ack([holder])
        assert not await queue.extend(holder, lease_seconds=harness.lease_seconds)

    async def test_7_dedup_id_is_taken_once_per_lane(self, harness: QueueHarness, queue: Queue) -> None:
        """In one call, in the next, and after the ack; another lane has its own ids."""
        twice = [Outgoing(payload=b"a", dedup_id="x"), Outgoing(payload=b"b", dedup_id="x")]
        await queue.enqueue("process", twice)
        await queue.enqueue("process", twice)
        got = await harness.collect(queue)
        assert payloads(got) == [b"a"]
        await queue.ack(got)
        await queue.enqueue("process", twice)
        assert await harness.receive(queue) == []
        for lane in ("results", "process.bulk"):
            await queue.enqueue(lane, twice)
            assert payloads(await harness.collect(queue, lane)) == [b"a"]
            assert await harness.receive(queue, lane) == []

    async def test_7_dedup_id_that_another_process_used_is_taken(self, harness: QueueHarness, queue: Queue) -> None:
        """Where the queue keeps the ids; elsewhere the message comes, and whoever reads it must know its id."""
        with acting(send_and_say, harness.open, "process", [b"a"], "x") as sender:
            assert await sender.hear() == "sent"
        got = await harness.collect(queue)
        assert payloads(got) == [b"a"]
        await queue.ack(got)
        await queue.enqueue("process", [Outgoing(payload=b"b", dedup_id="x"), Outgoing(payload=b"c")])
        expected = [b"c"] if harness.dedups_for_all else [b"b", b"c"]
        assert sorted(payloads(await harness.collect(queue, count=len(expected)))) == expected
        assert await harness.receive(queue) == []

    async def test_7_dedup_id_is_kept_for_a_while(self, harness: QueueHarness, queue: Queue) -> None:
        """A relay that was away for a while sends nothing twice; to the end of the window where a clock is moved."""
        await queue.enqueue("process", [Outgoing(payload=b"a", dedup_id="x")])
        await harness.pass_time(DEDUP_WINDOW_SECONDS - 1 if harness.moves_clock else harness.lease_seconds)
        await queue.enqueue("process", [Outgoing(payload=b"b", dedup_id="x")])
        assert payloads(await harness.collect(queue)) == [b"a"]
        assert await harness.receive(queue) == []

    async def test_8_message_whose_receivers_die_is_moved_to_the_failures(
        self, harness: QueueHarness, queue: Queue
    ) -> None:
        """After `max_deliveries` it goes to the failures lane: untouched, marked, told once."""
        await send(queue, b"poison", b"fine")
        for missing in (2, 1, 1):
            got = await harness.collect(queue, count=missing)
            await queue.ack([one for one in got if one.payload == b"fine"])
            assert b"poison" in payloads(got)
            await harness.pass_lease()
        assert await harness.receive(queue) == []
        (dead,) = await harness.receive(queue, "failures", wait_seconds=20)
        assert (dead.payload, dead.dead_letter) == (b"poison", True)
        await queue.ack([dead])
        await harness.pass_lease()
        assert await harness.receive(queue, "process", "failures") == []
        assert await harness.holds(queue, "failures", Depth(ready=0, leased=0))

    async def test_8_dead_letter_is_held_as_any_other(self, harness: QueueHarness, queue: Queue) -> None:
        """It comes back from a handler that died, marked as before, is counted, and can be given back."""
        await send(queue, b"poison")
        for _ in range(3):
            (held,) = await harness.collect(queue)
            await queue.nack(held)
        assert await harness.receive(queue) == []
        (dead,) = await harness.receive(queue, "failures", wait_seconds=20)
        assert await harness.receive(queue, "failures") == []
        assert await harness.holds(queue, "failures", Depth(ready=0, leased=1))
        assert await queue.extend(dead, lease_seconds=harness.lease_seconds)
        await harness.pass_lease()
        (again,) = await harness.collect(queue, "failures")
        await queue.nack(again)
        (last,) = await harness.collect(queue, "failures")
        assert [(one.payload, one.dead_letter) for one in (dead, again, last)] == [(b"poison", True)] * 3

    async def test_8_failures_lane_never_gives_up(self, harness: QueueHarness, queue: Queue) -> None:
        """A failure that its handler could not write down comes back for as long as it takes, with its mark."""
        await send(queue, b"told by a worker", lane="failures")
        for expected in range(1, 7):
            (told,) = await harness.receive(queue, "failures", wait_seconds=20)
            assert (told.payload, told.dead_letter, told.deliveries) == (b"told by a worker", False, expected)
            await harness.pass_lease()

    async def test_9_discard_ends_a_message_for_good(self, harness: QueueHarness, queue: Queue) -> None:
        """Nobody hears of it again, on no lane."""
        await send(queue, b"a")
        (held,) = await harness.collect(queue)
        await queue.discard(held)
        await harness.pass_lease()
        assert await harness.receive(queue, "process", "failures") == []

    async def test_10_depth_counts_ready_and_leased(self, harness: QueueHarness, queue: Queue) -> None:
        """What waits for its delay counts as ready; what came back from a lease too."""
        assert await queue.depth("process") == Depth(ready=0, leased=0)
        await send(queue, b"a", b"b", b"c")
        await send(queue, b"other", lane="results")
        assert await harness.holds(queue, "process", Depth(ready=3, leased=0))
        held = await harness.collect(queue, count=2)
        assert await harness.holds(queue, "process", Depth(ready=1, leased=2))
        await queue.nack(held[0], delay_seconds=harness.lease_seconds * 10)
        assert await harness.holds(queue, "process", Depth(ready=2, leased=1))
        await harness.pass_lease()
        assert await harness.holds(queue, "process", Depth(ready=3, leased=0))
        assert await harness.holds(queue, "results", Depth(ready=1, leased=0))

    async def test_11_messages_come_about_in_order(self, harness: QueueHarness, queue: Queue) -> None:
        """One receiver that acks gets them as they were enqueued, give or take a few places."""
        for number in range(40):
            await send(queue, b"%d" % number)
        got: list[int] = []
        while len(got) < 40:
            received = await harness.collect(queue, count=7, lease_seconds=STEADY_SECONDS)
            got += [int(one.payload) for one in received]
            await queue.ack(received)
            if not received:
                break
        assert sorted(got) == list(range(40))
        assert max(abs(place - number) for place, number in enumerate(got)) < 10

    async def test_lanes_are_taken_in_order_of_preference(self, harness: QueueHarness, queue: Queue) -> None:
        """A batch of thousands in one lane does not starve a single photo in another."""
        await send(queue, *[b"bulk"] * 30, lane="process.bulk")
        await send(queue, b"single")
        first = await harness.receive(queue, "process", "process.bulk", count=2, lease_seconds=STEADY_SECONDS)
        assert payloads(first) == [b"single", b"bulk"]
        assert [one.lane for one in await harness.receive(queue, "results", "process", count=2)] == []

    async def test_large_batches_pass_whole(self, harness: QueueHarness, queue: Queue) -> None:
        """However many a server takes at once, a call sends and receives and acks all of them."""
        wanted = [b"%d" % number for number in range(137)]
        await send(queue, *wanted)
        got = await harness.collect(queue, count=137, lease_seconds=STEADY_SECONDS)
        assert sorted(payloads(got)) == sorted(wanted)
        await queue.ack(got)
        assert await harness.holds(queue, "process", Depth(ready=0, leased=0))

    async def test_receive_takes_no_more_than_asked(self, harness: QueueHarness, queue: Queue) -> None:
        """The rest stays for others."""
        await send(queue, b"a", b"b", b"c")
        assert len(await harness.receive(queue, count=2, lease_seconds=STEADY_SECONDS)) == 2
        assert len(await harness.receive(queue, count=2, lease_seconds=STEADY_SECONDS)) == 1

    async def test_receive_waits_for_the_first_message(self, harness: QueueHarness, queue: Queue) -> None:
        """A message that another process sends ends the wait."""
        waiting = asyncio.create_task(harness.receive(queue, wait_seconds=60))
        with acting(send_and_say, harness.open, "process", [b"late"]) as sender:
            assert await sender.hear() == "sent"
            async with asyncio.timeout(30):
                assert payloads(await waiting) == [b"late"]

    @pytest.mark.parametrize("lane", ["process", "process.bulk"])
    async def test_receive_waits_on_every_lane(self, harness: QueueHarness, queue: Queue, lane: str) -> None:
        """A message in any of them ends the wait, and the others lose none by it."""
        lanes = ("process", "process.bulk")
        waiting = asyncio.create_task(harness.receive(queue, *lanes, wait_seconds=60, lease_seconds=STEADY_SECONDS))
        with acting(send_and_say, harness.open, lane, [b"late"]) as sender:
            assert await sender.hear() == "sent"
            async with asyncio.timeout(30):
                assert payloads(await waiting) == [b"late"]
        await send(queue, b"single")
        await send(queue, b"bulk", lane="process.bulk")
        got = await harness.collect(queue, *lanes, count=2, lease_seconds=STEADY_SECONDS)
        assert sorted(payloads(got)) == [b"bulk", b"single"]

    async def test_receive_that_is_cancelled_takes_nothing_away(self, harness: QueueHarness, queue: Queue) -> None:
        """A worker that is told to stop while it waits leaves the next message to be received."""
        for lanes in (("process",), ("process", "process.bulk")):
            waiting = asyncio.create_task(harness.receive(queue, *lanes, wait_seconds=60, lease_seconds=STEADY_SECONDS))
            await asyncio.wait({waiting}, timeout=0.5)
            waiting.cancel()
            await asyncio.wait({waiting})
            await send(queue, b"a")
            got = await harness.collect(queue, *lanes, lease_seconds=STEADY_SECONDS)
            assert payloads(got) == [b"a"]
            await queue.ack(got)

    async def test_large_payloads_pass_and_larger_ones_are_refused(self, harness: QueueHarness, queue: Queue) -> None:
        """200 KiB of any bytes go through whole; one more is a ValueError and sends nothing of its batch."""
        large = bytes(range(256)) * (MAX_PAYLOAD_BYTES // 256)
        await send(queue, large, "ein ñ und \u0001 ein \ufffe".encode(), b"")
        got = await harness.collect(queue, count=3, lease_seconds=STEADY_SECONDS)
        assert sorted(payloads(got)) == sorted([large, "ein ñ und \u0001 ein \ufffe".encode(), b""])
        with pytest.raises(ValueError, match="bytes"):
            await send(queue, b"small", large + b"!")
        assert await harness.receive(queue) == []
