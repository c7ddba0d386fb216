"""Waiting for somebody else's commit: what the relay, SSE streams and `?wait=` sleep on.

SQLite counts the commits of all other connections in `PRAGMA data_version`, which costs microseconds to read: far less
than asking the tables. Where nothing tells of commits, a waiter just wakes up now and then.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from pathlib import Path
from typing import Protocol

POLL_SECONDS = 0.02


class Changes(Protocol):
    """Tells of commits, by this process or by another."""

    async def wait(self, timeout_seconds: float) -> None:
        """Return at the next commit, or after the time; it may return early, so callers look again."""
        ...

    async def close(self) -> None:
        """Stop listening."""
        ...


class PolledChanges:
    """Knows nothing: wakes every quarter of a second."""

    async def wait(self, timeout_seconds: float) -> None:
        """Sleep for a moment."""
        await asyncio.sleep(min(timeout_seconds, 0.25))

    async def close(self) -> None:
        """Nothing to stop."""


class SqliteChanges:
    """One connection, read by one task for as long as anybody waits."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._waiters: set[asyncio.Future[None]] = set()
        self._task: asyncio.Task[None] | None = None

    async def wait(self, timeout_seconds: float) -> None:
        """Return at the next commit, or after the time."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._watch())
        try:
            async with asyncio.timeout(timeout_seconds):
                await waiter
        except TimeoutError:
            pass
        finally:
            self._waiters.discard(waiter)

    def _version(self) -> int:
        if self._connection is None:
            self._connection = sqlite3.connect(self._path, timeout=1, isolation_level=None)
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        return int(version)

    async def _watch(self) -> None:
        seen = self._version()
        while self._waiters:
            await asyncio.sleep(POLL_SECONDS)
            if (version := self._version()) != seen:
                seen = version
                for waiter in self._waiters:
                    if not waiter.done():
                        waiter.set_result(None)

    async def close(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._connection is not None:
            self._connection.close()
