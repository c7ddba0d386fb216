"""What the embedded database and the embedded queue share: hearing of commits by other connections.

SQLite counts them in `PRAGMA data_version`, which takes microseconds to read: far less than asking the tables.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

POLL_SECONDS = 0.02


def identity(path: Path) -> tuple[int, int] | None:
    """Tell a file from another that takes its name later; None where there is none."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino


class SqliteChanges:
    """One connection, read by one task for as long as anybody waits."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._waiters: set[asyncio.Future[None]] = set()
        self._task: asyncio.Task[None] | None = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None and identity(self._path) != self._file:
            self._connection.close()
            self._connection = None
        if self._connection is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(self._path, timeout=0, isolation_level=None)
            self._file = identity(self._path)
        return self._connection

    def has_row(self, query: str, parameters: Mapping[str, Any]) -> bool:
        """Say whether a query finds anything; True also when the file cannot be asked: then have the caller look."""
        try:
            return self._open().execute(query, parameters).fetchone() is not None
        except (sqlite3.DatabaseError, OSError):
            return True

    def mark(self) -> int:
        """Return a number that changes whenever another connection commits."""
        try:
            (version,) = self._open().execute("PRAGMA data_version").fetchone()
        except (sqlite3.DatabaseError, OSError):  # locked, or no database at all: the caller's own look will tell
            return -1
        return int(version)

    async def wait(self, timeout_seconds: float, *, since: int) -> None:
        """Return at the first commit after a mark was taken, or after the time."""
        if self.mark() != since:
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._watch(since))
        try:
            async with asyncio.timeout(timeout_seconds):
                await waiter
        except TimeoutError:
            pass
        finally:
            self._waiters.discard(waiter)

    async def _watch(self, seen: int) -> None:
        while self._waiters:
            await asyncio.sleep(POLL_SECONDS)
            if (version := self.mark()) != seen:
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
