from __future__ import annotations

import math

from fotofila.core.jobs.messages import Retrying
from fotofila.worker.ahead import AHEAD, QUICK_JOBS, QUICK_SECONDS, Ahead
from tests.worker.conftest import Bench, with_settings


def after(*seconds: float) -> int:
    """Return how many are held for two children after executions of such a length."""
    ahead = Ahead(2)
    for each in seconds:
        ahead.note(each)
    return ahead.count


def test_some_are_held_ahead_only_once_many_in_a_row_were_quick() -> None:
    quick = [QUICK_SECONDS / 2] * QUICK_JOBS
    assert after() == 0
    assert after(*quick[1:]) == 0
    assert after(*quick) == 2 * AHEAD
    assert after(*quick, QUICK_SECONDS) == 0
    assert after(*quick, QUICK_SECONDS, *quick) == 2 * AHEAD


async def test_what_is_held_behind_slow_work_is_given_back_at_no_cost(bench: Bench) -> None:
    asked = [await bench.ask("behave", attempt=2) for _ in range(QUICK_JOBS + AHEAD)]
    await bench.ask("hang")
    asked += [await bench.ask("behave", attempt=2) for _ in range(2 * AHEAD)]
    async with with_settings(bench, drain_seconds=0.1).working(quick_seconds=math.inf):
        given_back = await bench.hear("retrying")
    assert isinstance(given_back, Retrying)
    assert given_back.job_id in {message.job_id for message in asked}
    assert (given_back.snooze, given_back.wait_seconds, given_back.error.code) == (True, 0, "snoozed")
    assert (given_back.attempt, given_back.dispatch) == (2, 1)


async def test_backlog_of_quick_work_is_told_once_each(bench: Bench) -> None:
    asked = sorted([(await bench.ask("behave")).job_id for _ in range(4 * QUICK_JOBS)])
    async with bench.working(quick_seconds=math.inf):
        await bench.until_empty()
    told = [each for each in await bench.rest() if each.type in {"finished", "retrying"}]
    assert sorted(each.job_id for each in told) == asked


async def test_backlog_of_slow_work_is_left_to_others(bench: Bench) -> None:
    for _ in range(QUICK_JOBS):
        await bench.ask("behave")
    slow = await bench.ask("hang")
    for _ in range(AHEAD):
        await bench.ask("behave")
    async with with_settings(bench, drain_seconds=0.1).working(quick_seconds=0) as stop:
        while (await bench.hear("started")).job_id != slow.job_id:
            pass
        stop.set()
    assert (await bench.queue.depth("process")).ready == AHEAD
