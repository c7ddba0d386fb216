"""The failure matrix, by part: queue, storage and database are gone, slow, cut off, silent, and then back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest

from tests.e2e.conftest import Tell
from tests.e2e.kill_verdict import judge, wait_until_over
from tests.e2e.matrix_cells import DRAIN_SECONDS, LONG_ENOUGH, SEED, hear_everything, judge_notifications, run_cell
from tests.e2e.matrix_fleet import THREE_LEASES, running_fleet, stop_all
from tests.e2e.matrix_parts import Part, servers
from tests.e2e.proxy import Mode

TROUBLE_SECONDS = 4.0
EXCUSES = frozenset({"unavailable", "result_not_applied"})
"""Why a photo may fail here, beside the reasons it always has: each with a redrive that works."""

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


async def down(part: Part) -> None:
    """Die, and be away for three leases."""
    part.server.kill()
    await asyncio.sleep(THREE_LEASES)
    await asyncio.to_thread(part.server.start)


async def slow(part: Part) -> None:
    """Take long over everything."""
    part.proxy.turn(Mode.SLOW)
    await asyncio.sleep(TROUBLE_SECONDS)
    part.proxy.turn(Mode.PASS)


async def cut(part: Part) -> None:
    """Break off in the middle, again and again."""
    part.proxy.turn(Mode.CUT)
    await asyncio.sleep(TROUBLE_SECONDS)
    await part.proxy.back()


async def silent(part: Part) -> None:
    """Take everything and answer nothing for longer than a lease."""
    part.proxy.turn(Mode.SILENT)
    await asyncio.sleep(LONG_ENOUGH)
    await part.proxy.back()


FAULTS: tuple[Callable[[Part], Awaitable[None]], ...] = (down, slow, cut, silent)


async def test_every_part_may_go_away_and_come_back(tmp_path: Path, tell: Tell) -> None:
    tell(f"FOTOFILA_TEST_SEED={SEED}")
    began = time.monotonic()
    async with servers(tmp_path, seed=SEED) as parts, running_fleet(tmp_path, parts, each=1, seed=SEED) as fleet:
        for name, part in parts.breakable.items():
            for fault in FAULTS:
                what = f"{name}, {fault.__name__}"
                seconds = await run_cell(fleet, partial(fault, part), what=what)
                broken = part.proxy.broken.total()
                tell(f"{what}: over after {seconds:.1f} s; {broken} connections broken, {dict(fleet.client.told)}")
        await wait_until_over(fleet.context, seconds=DRAIN_SECONDS)
        await hear_everything(fleet)
        await stop_all(fleet)
        states = await judge(fleet.context, fleet.client.accepted, names={"noop.txt"}, excuses=EXCUSES)
        await judge_notifications(fleet)
        assert fleet.client.told["answered 500"] == 0, "trouble is told as what it is"
    tell(f"{dict(states)}; client: {dict(fleet.client.told)}; {time.monotonic() - began:.0f} s")
