"""Reports that come again after they were written down: feedback died between its commit and its ack."""

from __future__ import annotations

from fotofila.core.jobs.messages import ErrorInfo
from fotofila.core.queue import Outgoing
from fotofila.worker.reporter import Reporter
from tests.feedback.conftest import Desk, due_rows

LATER = ErrorInfo(code="snoozed", sentence="Not now.", permanent=False)


async def test_beginning_that_comes_again_takes_no_job_out_of_its_wait(desk: Desk) -> None:
    added = await desk.add()
    message, delivery = await desk.take()
    await desk.context.queue.ack([delivery])
    reporter = await desk.begin(message)
    await reporter.retrying(LATER, wait_seconds=600, snooze=True)
    deliveries = await desk.receive("results", count=10)
    for _ in range(2):
        await desk.context.queue.enqueue("results", [Outgoing(payload=each.payload) for each in deliveries])
        await desk.consume()
        assert (await desk.job(added)).state == "waiting"
        assert await desk.events("job.started") == ["job.started"]


async def test_end_by_another_execution_leaves_no_message_that_waits(desk: Desk) -> None:
    """One message was handed out twice: one execution was put off, and the other came to its end."""
    await desk.add()
    message, delivery = await desk.take()
    await desk.context.queue.ack([delivery])
    put_off = await desk.begin(message)
    other = Reporter(queue=desk.context.queue, storage=desk.context.storage, clock=desk.clock, message=message)
    other.started("another")
    await put_off.retrying(LATER, wait_seconds=600, snooze=True)
    await desk.consume()
    await desk.finish(message, other)
    await desk.consume()
    assert await desk.events("job.done") == ["job.done"]
    assert await due_rows(desk) == []
