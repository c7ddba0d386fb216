"""Stopping a worker: what was begun is finished, or given back without costing an attempt."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from fotofila.core.errors import UnavailableError
from fotofila.core.ids import new_id
from fotofila.core.jobs.messages import Retrying, read_result
from fotofila.core.queue import LaneNames, Outgoing
from fotofila.core.queue.sqlite import SqliteQueue
from fotofila.testing.pictures import jpeg
from tests.e2e.processes import Member, environment, members
from tests.worker.conftest import Bench, types, with_settings


async def test_stopped_worker_finishes_what_it_began(bench: Bench) -> None:
    bench = with_settings(bench, job_seconds=2)
    await bench.ask("hang", max_attempts=1)
    await bench.ask("behave")
    async with bench.working() as stop:
        await bench.hear("started")
        stop.set()
        assert (await bench.hear_failure()).error.code == "timed_out"
    assert types(await bench.rest()) == ["started"]
    assert (await bench.queue.depth("process")).ready == 1, "what was not begun is left to others"


async def test_what_takes_longer_is_given_back_at_no_cost(bench: Bench) -> None:
    bench = with_settings(bench, drain_seconds=0.1, workers=2)
    asked = [await bench.ask("hang", attempt=2, dispatch=7), await bench.ask("hang")]
    async with bench.working() as stop:
        await bench.hear("started")
        await bench.hear("started")
        stop.set()
    told = {result.job_id: result for result in await bench.rest() if isinstance(result, Retrying)}
    for message in asked:
        retrying = told[message.job_id]
        assert (retrying.snooze, retrying.wait_seconds, retrying.error.code) == (True, 0, "worker_stopped")
        assert (retrying.attempt, retrying.dispatch) == (message.attempt, message.dispatch)
    await bench.until_empty()


class WaitingQueue(SqliteQueue):
    """A queue that takes the first job given back only when those that linger have ended."""

    lingering: frozenset[str] = frozenset()
    until: Path

    async def enqueue(self, lane: str, messages: Sequence[Outgoing]) -> None:
        if isinstance(read_result(messages[0].payload), Retrying):
            self.until.touch()
            while self.lingering & {task.get_name() for task in asyncio.all_tasks()}:  # noqa: ASYNC110 - they go on
                await asyncio.sleep(0.01)
        await super().enqueue(lane, messages)


async def test_one_that_ends_while_another_is_given_back_is_left_alone(bench: Bench, tmp_path: Path) -> None:
    bench = with_settings(bench, drain_seconds=0.0, workers=4)
    until = tmp_path / "until"
    asked = [await bench.ask(how, args={"until": str(until)}) for how in ("hang", "linger", "linger", "hang")]
    queue = WaitingQueue(tmp_path / "queue.db", max_deliveries=3, names=LaneNames(), now=bench.clock.now)
    queue.lingering = frozenset(message.job_id for message in asked[1:3])
    queue.until = until
    async with bench.working(queue) as stop:
        for _ in range(4):
            await bench.hear("started")
        stop.set()
    ended = {result.job_id: result.type for result in await bench.rest() if result.type in {"finished", "retrying"}}
    assert [ended[message.job_id] for message in asked] == ["retrying", "finished", "finished", "retrying"]
    assert await bench.queue.depth("failures") == await bench.queue.depth("nothing")
    await bench.until_empty()
    await queue.close()


async def test_stopped_worker_takes_nothing_with_it(bench: Bench) -> None:
    async with bench.working() as stop:
        stop.set()
    await bench.ask("behave")
    assert (await bench.queue.depth("process")).ready == 1


class SilentQueue(SqliteQueue):
    """A queue that takes no report any more."""

    silent = False

    async def enqueue(self, lane: str, messages: Sequence[Outgoing]) -> None:
        if self.silent:
            raise UnavailableError("The queue does not answer.")
        await super().enqueue(lane, messages)


async def test_worker_stops_in_good_order_while_the_queue_is_away(bench: Bench, tmp_path: Path) -> None:
    """What it cannot give back comes back by itself, after its lease."""
    queue = SilentQueue(tmp_path / "silent.db", max_deliveries=3, names=LaneNames(), now=bench.clock.now)
    silent = with_settings(with_queue(bench, queue), drain_seconds=0.1, workers=2)
    await silent.ask("hang")
    await silent.ask("hang")
    async with silent.working() as stop:
        await silent.hear("started")
        await silent.hear("started")
        queue.silent = True
        stop.set()
    assert (await queue.depth("process")).leased == 2
    await queue.close()


@pytest.mark.e2e
async def test_sigterm_drains_a_real_worker(bench: Bench, tmp_path: Path) -> None:
    """`fotofila work` gets SIGTERM in the middle of a photo, finishes it, acks it, and ends with 0."""
    queue = SqliteQueue(tmp_path / "real.db", max_deliveries=3, names=LaneNames())
    photo_id = new_id()
    key = f"originals/{new_id()}/{photo_id}"
    await bench.storage.put(key, jpeg(comment=b"fotofila:sleep=4"))
    source = {"photo_id": photo_id, "key": key, "media_type": "image/jpeg", "size_bytes": 1, "checksum_sha256": ""}
    real = with_queue(bench, queue)
    await real.ask("", kind="noop", source=source)
    member = Member(
        name="worker",
        arguments=("work",),
        ready_when='"worker.started"',
        environment=environment(
            data_dir=tmp_path / "none",
            queue_url=f"sqlite:///{tmp_path / 'real.db'}",
            storage_url=f"file://{tmp_path / 'objects'}",
            capabilities="noop",
            workers=1,
        ),
        log=tmp_path / "worker.log",
    )
    with members(member):
        await real.hear("started", seconds=90)
        terminating = asyncio.create_task(member.terminate())
        await real.hear("finished")
        assert await terminating == 0, member.said
    await real.until_empty()
    assert not (tmp_path / "none").exists(), "a worker needs queue and storage and nothing else"
    await queue.close()


def with_queue(bench: Bench, queue: SqliteQueue) -> Bench:
    return Bench(settings=bench.settings, queue=queue, storage=bench.storage, clock=bench.clock)
