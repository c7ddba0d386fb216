"""Waiting for somebody else's commit: what the relay, SSE streams and `?wait=` sleep on.

Take a mark, look at the tables, then wait since the mark: a commit in between ends the wait at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Changes(Protocol):
    """Tells of commits, by this process or by another."""

    def mark(self) -> int:
        """Return a number that stands for now."""
        ...

    async def wait(self, timeout_seconds: float, *, since: int, worth: Callable[[], bool] = ...) -> None:
        """Return at the first commit since a mark, or after the time; it may return early, so callers look again.

        `worth` may be asked after a commit whether to return for it, where looking costs less than that.
        """
        ...

    async def close(self) -> None:
        """Stop listening."""
        ...
