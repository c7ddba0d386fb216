"""The failure matrix, by role: each one dies, and each one freezes for longer than its lease and comes back."""

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
from tests.e2e.matrix_fleet import LEASE_SECONDS, ROLES, running_fleet, stop_all
from tests.e2e.matrix_parts import embedded, servers
from tests.e2e.processes import Member

PARTS = {"embedded": embedded, "servers": servers}

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


async def die(member: Member) -> None:
    """End without a word, and be started again a moment later."""
    member.kill()
    await asyncio.sleep(LEASE_SECONDS / 2)
    member.start()


async def freeze(member: Member) -> None:
    """Be away for longer than any lease, then go on as if nothing had been."""
    member.freeze()
    await asyncio.sleep(LONG_ENOUGH)
    member.thaw()


FAULTS: tuple[Callable[[Member], Awaitable[None]], ...] = (die, freeze)


@pytest.mark.parametrize("kind", PARTS)
async def test_no_role_is_missed_when_it_dies_or_freezes(kind: str, tmp_path: Path, tell: Tell) -> None:
    tell(f"FOTOFILA_TEST_SEED={SEED}")
    began = time.monotonic()
    async with PARTS[kind](tmp_path, seed=SEED) as parts, running_fleet(tmp_path, parts, each=2, seed=SEED) as fleet:
        tell(f"{kind}: {len(fleet.members)} processes after {time.monotonic() - began:.0f} s")
        for role in ROLES:
            for fault in FAULTS:
                victim, what = fleet.of(role)[0], f"{kind}: {role}, {fault.__name__}"
                await victim.wait_ready()
                seconds = await run_cell(fleet, partial(fault, victim), what=what)
                tell(f"{what}: over after {seconds:.1f} s")
        await wait_until_over(fleet.context, seconds=DRAIN_SECONDS)
        await hear_everything(fleet)
        await stop_all(fleet)
        states = await judge(fleet.context, fleet.client.accepted, names={"noop.txt"})
        await judge_notifications(fleet)
        assert fleet.client.told["answered 500"] == 0, "trouble is told as what it is"
    tell(f"{kind}: {dict(states)}; client: {dict(fleet.client.told)}; {time.monotonic() - began:.0f} s")
