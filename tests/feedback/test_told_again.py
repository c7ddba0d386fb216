"""Reports that come again after they were written down: feedback died between its commit and its ack."""

from __future__ import annotations

from fotofila.core.jobs.messages import ErrorInfo
from fotofila.core.queue import Outgoing
from tests.feedback.conftest import Desk

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
