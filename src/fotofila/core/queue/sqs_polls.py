"""Long polls of SQS that outlive whoever waits for them.

A poll waits on one queue. A receiver of several lanes has one for each, and goes on with the first message that comes.
To break the others off could lose what is on its way to them until its lease is over; so they go on beside, and what
they bring is kept for whoever receives next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from fotofila.core.errors import UnavailableError
from fotofila.core.queue.base import Delivery
from fotofila.core.queue.leases import now


@dataclass(frozen=True, slots=True, kw_only=True)
class Caught:
    """A delivery that nobody has taken yet."""

    delivery: Delivery
    at: float
    lease_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Polls:
    """The polls of a process, one for each lane at most, and what they have brought."""

    ask: Callable[[str, int, float, float], Awaitable[list[Delivery]]]
    """Asks SQS: lane, how many, seconds to wait, seconds of lease."""
    extend: Callable[[Delivery, float], Awaitable[bool]]
    give_back: Callable[[Delivery], Awaitable[None]]
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _caught: list[Caught] = field(default_factory=list)
    _chores: set[asyncio.Task[None]] = field(default_factory=set)

    async def wait(self, lanes: Sequence[str], *, count: int, seconds: float, lease_seconds: float) -> None:
        """Wait until one of the lanes' polls has ended, or for so long.

        Raises:
            UnavailableError: SQS does not answer one of them.
        """
        tasks = [self._poll(lane, count, seconds, lease_seconds) for lane in lanes]
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            if task.done() and not task.cancelled() and (error := task.exception()):
                raise error

    def _poll(self, lane: str, count: int, seconds: float, lease_seconds: float) -> asyncio.Task[None]:
        async def poll() -> None:
            for delivery in await self.ask(lane, count, seconds, lease_seconds):
                caught = Caught(delivery=delivery, at=now(), lease_seconds=lease_seconds)
                self._caught.append(caught)
                asyncio.get_running_loop().call_later(lease_seconds / 2, self._let_go, caught)

        if lane not in self._tasks or self._tasks[lane].done():
            self._tasks[lane] = asyncio.create_task(poll())
            self._tasks[lane].add_done_callback(lambda task: task.cancelled() or task.exception())
        return self._tasks[lane]

    async def take(self, lanes: Sequence[str], count: int) -> list[Delivery]:
        """Take what polls have brought, the lease set anew where it has run for a while."""
        mine = [each for lane in lanes for each in self._caught if each.delivery.lane == lane][:count]
        for caught in mine:
            self._caught.remove(caught)
        return [caught.delivery for caught in mine if await self._is_good(caught)]

    async def _is_good(self, caught: Caught) -> bool:
        fresh = now() - caught.at < caught.lease_seconds / 4
        return fresh or await self.extend(caught.delivery, caught.lease_seconds)

    def _let_go(self, caught: Caught) -> None:
        """Give back what nobody came for."""
        if caught in self._caught:
            self._caught.remove(caught)
            chore = asyncio.create_task(self._return(caught))
            self._chores.add(chore)
            chore.add_done_callback(self._chores.discard)

    async def _return(self, caught: Caught) -> None:
        with suppress(UnavailableError):
            await self.give_back(caught.delivery)

    async def close(self) -> None:
        """Break off every poll, and give back what nobody took."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), *self._chores, return_exceptions=True)
        while self._caught:
            await self._return(self._caught.pop())
