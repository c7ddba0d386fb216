"""How many messages a worker holds beyond those that its children work on."""

from __future__ import annotations

QUICK_SECONDS = 0.1
QUICK_JOBS = 16
AHEAD = 3
"""For each child. With none, two thirds of the CPU of a job that takes milliseconds are hops to the queue and back."""
CHILD_WAIT_SECONDS = 1.0
"""What waits longer for a child is given back. More than quick work ahead of it ever takes, or the start of a child."""


class Ahead:
    """None, unless all the last executions were quick: no photo shall wait behind a slow one while others are idle."""

    def __init__(self, children: int, *, quick_seconds: float = QUICK_SECONDS) -> None:
        self._most = AHEAD * children
        self._quick_seconds = quick_seconds
        self._quick = 0

    def note(self, seconds: float) -> None:
        """Hear how long an execution took, with its wait for a child: where that grows, fewer are held."""
        self._quick = self._quick + 1 if seconds < self._quick_seconds else 0

    @property
    def count(self) -> int:
        """How many to hold now."""
        return self._most if self._quick >= QUICK_JOBS else 0
