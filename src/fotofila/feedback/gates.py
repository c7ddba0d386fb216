"""How much of a lane is in the queue at once; the rest waits in the outbox, where workspaces take turns.

What is in the queue is worked on in the order in which it came there, so a workspace that comes later waits for all of
it. A gate keeps that short, whatever the workers do a second: it shuts when as many jobs are queued as its limit and
opens when half of them are gone; one that opens again at once lets more in next time, one that was shut for long less.
So a queue whose workers are away is not filled up, and neither are the results when feedback is.

Counted in the database: no queue on another machine counts both exactly and at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from fotofila.core.capability import Context

QUICK_SECONDS = 0.25
SLOW_SECONDS = 1.0
MOST = 8192

AT_LEAST = "SELECT 1 FROM jobs WHERE state = 'queued' AND lane = :lane LIMIT 1 OFFSET :more"


@dataclass(slots=True, kw_only=True)
class Gate:
    """The gate of one lane."""

    least: int
    limit: int
    credit: int = 0
    """How many may still go before somebody counts again."""
    shut_at: float | None = None
    last_owner: str = ""
    """Who had the last turn."""

    async def room(
        self, context: Context, lane: str, *, wanted: int = 1, now: Callable[[], float] = time.monotonic
    ) -> int:
        """Return how many messages may go now; counted anew when those `wanted` are more than was left."""
        if self.credit < wanted:
            self.credit = 0
            most = self.limit if self.shut_at is None else self.limit // 2
            full = await context.db.has_row(AT_LEAST, lane=lane, more=max(most, 1) - 1)
            self.turn(full=full, now=now())
        return self.credit

    def turn(self, *, full: bool, now: float) -> None:
        """Shut, stay shut, or open."""
        if full:
            self.shut_at = now if self.shut_at is None else self.shut_at
            return
        if self.shut_at is not None:
            seconds = now - self.shut_at
            if seconds < QUICK_SECONDS:
                self.limit = min(MOST, self.limit * 2)
            elif seconds > SLOW_SECONDS:
                self.limit = max(self.least, self.limit // 2)
            self.shut_at = None
        self.credit = max(self.limit // 2, 1)


@dataclass(slots=True, kw_only=True)
class Gates:
    """The gates of every lane, kept by one relay."""

    least: int
    lanes: dict[str, Gate] = field(default_factory=dict)
    crowded: bool = False
    """Whether more was due than one batch when last looked at."""

    spare_seconds: float = 0.0
    """How long workers would hardly miss what comes next."""
    _moved_at: float = 0.0

    def moved(self, count: int, *, queued: int, now: float | None = None) -> None:
        """Note what was sent; `queued` (up to `least`) were in the queue before it.

        Workers have enough to do for as long as it took to send so many. To be sure that none has to wait, we count on
        half of them.
        """
        at = time.monotonic() if now is None else now
        seconds, self._moved_at = min(at - self._moved_at, QUICK_SECONDS), at
        self.spare_seconds = queued / 2 * seconds / count

    def of(self, lane: str) -> Gate:
        """Return the gate of a lane."""
        return self.lanes.setdefault(lane, Gate(least=self.least, limit=self.least))

    @property
    def nap_seconds(self) -> float:
        """How long to let shut gates be.

        One that has been shut for so long is noticed open half as late again at most: of what was left when it opened,
        half is left then.
        """
        shut = [gate.shut_at for gate in self.lanes.values() if gate.shut_at is not None]
        return (time.monotonic() - max(shut)) / 2 if shut else 0.0

    @property
    def all_open(self) -> bool:
        """Say whether no lane was full when last counted."""
        return all(gate.shut_at is None for gate in self.lanes.values())
