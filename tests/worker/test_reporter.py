"""What is held back for a moment is told, whatever becomes of the report that was to carry it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from fotofila.core.clock import SystemClock
from fotofila.core.errors import UnavailableError
from fotofila.core.jobs.messages import ErrorInfo, Finished
from fotofila.core.queue import LaneNames, Outgoing
from fotofila.core.queue.sqlite import SqliteQueue
from fotofila.testing.clock import FakeClock
from fotofila.worker.reporter import Reporter
from tests.worker.conftest import Bench, types


class Narrow(SqliteQueue):
    """A queue whose first enqueue does not come through."""

    refuses = False
    asked = 0

    async def enqueue(self, lane: str, messages: Sequence[Outgoing]) -> None:
        self.asked += 1
        if self.asked == 1:
            if self.refuses:
                raise UnavailableError("The queue is away.")
            await asyncio.Event().wait()
        await super().enqueue(lane, messages)


@pytest.mark.parametrize("refuses", [True, False])
async def test_started_survives_the_heartbeat_that_was_to_carry_it(bench: Bench, refuses: bool) -> None:
    message = await bench.ask("behave")
    queue = Narrow(bench.settings.data_dir / "queue.db", max_deliveries=3, names=LaneNames(), now=bench.clock.now)
    queue.refuses = refuses
    reporter = Reporter(queue=queue, storage=bench.storage, clock=SystemClock(), message=message)
    reporter.started("test")
    beating = asyncio.create_task(reporter.heartbeat())
    await asyncio.sleep(0)
    beating.cancel()
    await asyncio.wait([beating])
    await reporter.finished({}, (), 0.1, {})
    *_, last = await bench.rest()
    assert isinstance(last, Finished)
    assert (last.worker, last.started_at is None) == ("test", False)
    await queue.close()


async def test_quick_work_is_one_message(bench: Bench) -> None:
    clock = FakeClock()
    message = await bench.ask("behave")
    reporter = Reporter(queue=bench.queue, storage=bench.storage, clock=clock, message=message)
    reporter.started("test")
    began = clock.now()
    clock.advance(0.1)
    await reporter.finished({}, (), 0.1, {})  # the timer is older than this only if the loop was held up
    reports = [report for report in await bench.rest() if isinstance(report, Finished)]
    assert [(report.worker, report.started_at) for report in reports] == [("test", began)]


async def test_long_work_tells_that_it_began_and_tells_it_again_at_its_end(bench: Bench) -> None:
    message = await bench.ask("behave")
    reporter = Reporter(queue=bench.queue, storage=bench.storage, clock=SystemClock(), message=message)
    reporter.started("test")
    started = await bench.hear("started")
    trouble = ErrorInfo(code="ordered", sentence="It did not work.", permanent=True)
    await reporter.failed(trouble)
    failed = await bench.hear_failure()
    assert (failed.execution_id, failed.worker, failed.started_at) == (
        started.execution_id,
        "test",
        started.created_at,
    )
    assert types(await bench.rest()) == ["started"]
