"""The processes of the kill test, one for each role, and who of them dies when."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import psutil

from tests.e2e.processes import Member, until

ROLES = ("api", "relay", "feedback", "failures", "reconciler", "sweeper")
WORKERS = ("worker-1", "worker-2")
SHARES = {"worker": 14, "child": 10, "feedback": 9, "api": 8, "relay": 6, "failures": 1, "reconciler": 1, "sweeper": 1}
"""Of 50 kills, who dies how often."""
STOPS = {"api": 1, "worker": 2, "feedback": 1}
"""And who is asked to stop, beside that: an orderly end may lose nothing either."""
MOMENT_SECONDS = 0.8
"""The longest pause between two kills; its length is what makes the moment random."""


def fleet(folder: Path, environment: dict[str, str]) -> list[Member]:
    """Return a process for each role, and two workers."""

    def member(name: str, arguments: tuple[str, ...], ready: str) -> Member:
        log = folder / f"{name}.log"
        return Member(name=name, arguments=arguments, ready_when=ready, environment=environment, log=log)

    serving = [
        member(role, ("serve", "--roles", role), '"api.listening"' if role == "api" else '"serve.started"')
        for role in ROLES
    ]
    return serving + [member(name, ("work",), '"worker.started"') for name in WORKERS]


@dataclass(slots=True, kw_only=True)
class Killer:
    """Ends processes at random moments and starts them again."""

    members: dict[str, Member]
    random: Random
    killed: Counter[str] = field(default_factory=Counter)
    stopped: Counter[str] = field(default_factory=Counter)

    def plan(self, rounds: int) -> list[tuple[str, str]]:
        """Return who is to die or to stop, in random order."""
        places = [
            ((number + self.random.random()) / share, name) for name, share in SHARES.items() for number in range(share)
        ]
        deaths = [name for _, name in sorted(places)]  # also the first few are shared out as the whole is
        chosen = [deaths[number % len(deaths)] for number in range(rounds)]
        stops = [("stop", name) for name, share in STOPS.items() for _ in range(max(1, share * rounds // 50))]
        every = [("kill", name) for name in chosen] + stops
        self.random.shuffle(every)
        return every

    async def go(self, rounds: int) -> None:
        """Do all of it."""
        for how, role in self.plan(rounds):
            if role == "child":
                await self.kill_child()
                continue
            member = self.members[self.random.choice(WORKERS) if role == "worker" else role]
            await member.wait_ready()
            await self.moment()
            if how == "kill":
                member.is_ready()  # that it still lives, or the kill would hide an end of its own making
                member.kill()
                self.killed[role] += 1
            else:
                assert await member.terminate() == 0, member.said[-3000:]
                self.stopped[role] += 1
            member.start()

    async def moment(self) -> None:
        """Wait for a random time."""
        await asyncio.sleep(self.random.uniform(0, MOMENT_SECONDS))

    async def kill_child(self) -> None:
        """Kill a sandboxed child as soon as a worker has one."""
        await self.moment()
        await until(self.children, seconds=60)
        if children := self.children():
            with contextlib.suppress(psutil.NoSuchProcess):
                self.random.choice(children).kill()
                self.killed["child"] += 1

    def children(self) -> list[psutil.Process]:
        """Return the children of both workers."""
        return [child for name in WORKERS for child in self.members[name].children()]
