from __future__ import annotations

import asyncio

from sqlalchemy import delete

from fotofila.core.jobs.models import Batch, OutboxMessage
from fotofila.core.observability.metrics import REGISTRY
from fotofila.core.queue import Outgoing
from fotofila.feedback import relay
from fotofila.feedback.reconciler import QUEUED_LEASES, SILENT_LEASES, reconcile_once
from tests.feedback.conftest import LEASE, TROUBLE, Desk


async def lose(desk: Desk, lane: str = "process") -> None:
    """Lose whatever is in a lane, as a broker does that forgets."""
    while delivery := await desk.receive(lane):
        await desk.context.queue.discard(delivery[0])


async def test_running_job_without_a_sign_of_life_is_sent_again(desk: Desk) -> None:
    added = await desk.add()
    await desk.begun()
    desk.clock.advance(SILENT_LEASES * LEASE)
    assert await reconcile_once(desk.context) == 0
    desk.clock.advance(1)
    assert await reconcile_once(desk.context) == 1
    job = await desk.job(added)
    assert (job.state, job.attempt, job.dispatch) == ("waiting", 1, 2)
    message, reporter = await desk.begun()
    assert (message.attempt, message.dispatch) == (1, 2)
    await desk.finish(message, reporter)
    await desk.consume()
    assert (await desk.job(added)).state == "done"


async def test_heartbeat_keeps_a_job_for_as_long_as_it_takes(desk: Desk) -> None:
    added = await desk.add()
    _, reporter = await desk.begun()
    for _ in range(10):
        desk.clock.advance(LEASE)
        await reporter.heartbeat()
        await desk.consume()
        assert await reconcile_once(desk.context) == 0
    assert (await desk.job(added)).dispatch == 1


async def test_nobody_is_silent_while_feedback_is_away(desk: Desk) -> None:
    added = await desk.add()
    _, reporter = await desk.begun()
    for _ in range(2 * SILENT_LEASES):
        await reporter.heartbeat()
        desk.clock.advance(LEASE)
        assert await reconcile_once(desk.context) == 0
    await desk.consume()
    desk.clock.advance(SILENT_LEASES * LEASE + 1)
    assert await reconcile_once(desk.context) == 1, "now there is nothing that anybody would have to read"
    assert (await desk.job(added)).dispatch == 2


async def test_backlog_of_results_hides_no_dead_worker(desk: Desk) -> None:
    dead, alive = await desk.add(), await desk.add()
    await desk.begun()
    _, reporter = await desk.begun()
    desk.clock.advance(SILENT_LEASES * LEASE + 1)
    await reporter.heartbeat()
    await desk.consume()
    await reporter.heartbeat()
    assert await reconcile_once(desk.context) == 1
    assert ((await desk.job(dead)).dispatch, (await desk.job(alive)).dispatch) == (2, 1)


async def test_queued_job_that_vanished_is_sent_again(desk: Desk) -> None:
    added = await desk.add()
    await relay.relay_once(desk.context)
    await lose(desk)
    desk.clock.advance(QUEUED_LEASES * LEASE)
    assert await reconcile_once(desk.context) == 0
    desk.clock.advance(1)
    assert await reconcile_once(desk.context) == 1
    message, _ = await desk.take()
    assert (message.job_id, message.dispatch) == (added.job.id, 2)


async def test_backlog_is_no_loss(desk: Desk) -> None:
    for _ in range(5):
        await desk.add()
    await relay.relay_once(desk.context)
    desk.clock.advance(10**6)
    assert await reconcile_once(desk.context) == 0
    assert (await desk.context.queue.depth("process")).ready == 5


async def test_lane_with_only_leased_messages_is_not_empty(desk: Desk) -> None:
    await desk.add()
    await desk.take()
    desk.clock.advance(QUEUED_LEASES * LEASE + 1)
    await desk.receive()
    assert await reconcile_once(desk.context) == 0


async def test_each_lane_is_judged_by_itself(desk: Desk) -> None:
    async with desk.context.db.write() as session:
        session.add(Batch(id="b" * 32, owner="0" * 31 + "1", created_at=desk.clock.now()))
    bulk, single = await desk.add(batch_id="b" * 32), await desk.add()
    await relay.relay_once(desk.context)
    await lose(desk)
    desk.clock.advance(10**6)
    assert await reconcile_once(desk.context) == 1
    assert ((await desk.job(bulk)).dispatch, (await desk.job(single)).dispatch) == (1, 2)


async def test_job_that_waits_for_its_time_is_left_alone(desk: Desk) -> None:
    await desk.add()
    _, reporter = await desk.begun()
    await reporter.retrying(TROUBLE, wait_seconds=10**6)
    await desk.consume()
    desk.clock.advance(10**6 - 1)
    assert await reconcile_once(desk.context) == 0


async def test_job_that_nothing_will_send_is_sent(desk: Desk) -> None:
    added = await desk.add()
    async with desk.context.db.write() as session:
        await session.execute(delete(OutboxMessage))
    assert await reconcile_once(desk.context) == 0
    desk.clock.advance(QUEUED_LEASES * LEASE + 1)
    assert await reconcile_once(desk.context) == 1
    message, _ = await desk.take()
    assert message.job_id == added.job.id


async def test_job_that_is_over_is_left_alone(desk: Desk) -> None:
    await desk.add()
    message, reporter = await desk.begun()
    await desk.finish(message, reporter)
    await desk.consume()
    desk.clock.advance(10**6)
    assert await reconcile_once(desk.context) == 0


async def test_worker_that_was_only_slow_may_still_win(desk: Desk) -> None:
    added = await desk.add()
    message, slow = await desk.begun()
    desk.clock.advance(SILENT_LEASES * LEASE + 1)
    await reconcile_once(desk.context)
    await desk.finish(message, slow, {"told": "late but first"})
    await desk.consume()
    assert ((await desk.job(added)).state, (await desk.photo(added)).exif) == ("done", {"told": "late but first"})
    assert await relay.relay_once(desk.context) == 0, "what would have been sent again is not"


async def test_slow_worker_that_asks_for_another_attempt_is_too_late(desk: Desk) -> None:
    added = await desk.add()
    _, slow = await desk.begun()
    desk.clock.advance(SILENT_LEASES * LEASE + 1)
    await reconcile_once(desk.context)
    await slow.retrying(TROUBLE, wait_seconds=0)
    await desk.consume()
    job = await desk.job(added)
    assert (job.attempt, job.dispatch) == (1, 2)


async def test_two_reconcilers_at_once_send_once_for_each_loss(desk: Desk) -> None:
    added = await desk.add()
    await desk.begun()
    desk.clock.advance(SILENT_LEASES * LEASE + 1)
    await asyncio.gather(*(reconcile_once(desk.context) for _ in range(4)))
    assert (await desk.job(added)).dispatch == 2


async def test_nothing_is_sent_for_messages_of_others(desk: Desk) -> None:
    await desk.context.queue.enqueue("process", [Outgoing(payload=b"not ours")])
    desk.clock.advance(10**6)
    assert await reconcile_once(desk.context) == 0


async def test_what_waits_in_the_outbox_is_counted(desk: Desk) -> None:
    await desk.add()
    await reconcile_once(desk.context)
    assert REGISTRY.get_sample_value("fotofila_outbox_messages", {"lane": "process"}) == 1
    await relay.relay_once(desk.context)
    await reconcile_once(desk.context)
    assert REGISTRY.get_sample_value("fotofila_outbox_messages", {"lane": "process"}) == 0


async def test_clock_that_goes_back_holds_nothing_up(desk: Desk) -> None:
    """Every step of a photo falls into another hour, each an hour before the one before it."""
    added = await desk.add()
    desk.clock.advance(-3600)
    assert await relay.relay_once(desk.context) == 0
    await reconcile_once(desk.context)
    assert await relay.relay_once(desk.context) == 1
    desk.clock.advance(-3600)
    message, _ = await desk.take()
    reporter = await desk.begin(message)
    desk.clock.advance(-3600)
    await reporter.retrying(TROUBLE, wait_seconds=5)
    desk.clock.advance(-3600)
    await desk.consume()
    desk.clock.advance(-3600)
    await reconcile_once(desk.context)
    message, reporter = await desk.begun()
    desk.clock.advance(-3600)
    await desk.finish(message, reporter)
    await desk.consume()
    assert ((await desk.job(added)).state, message.attempt) == ("done", 2)


async def test_clocks_that_differ_a_little_change_nothing(desk: Desk) -> None:
    await desk.add()
    _, reporter = await desk.begun()
    await reporter.retrying(TROUBLE, wait_seconds=100)
    await desk.consume()
    desk.clock.advance(-LEASE)
    await reconcile_once(desk.context)
    desk.clock.advance(LEASE)
    assert await relay.relay_once(desk.context) == 0
