"""What the embedded database and the embedded queue share: the write lock, and hearing of others' commits.

SQLite counts commits in `PRAGMA data_version`, which takes microseconds to read: far less than asking the tables.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fotofila.core.file_events import FileEvents

POLL_SECONDS = 0.02
SOON_SECONDS, LATER_SECONDS, DEAF_SECONDS = 0.005, 0.05, 5.0
"""What one hears is a write. Its commit shows a moment later, on a slow disk a long one: one looks soon, then less.

Where the last commit that was heard was seen, another was seldom begun before one listened again: one looks later. On a
busy machine to wake up costs 0.2 ms of CPU, whatever one then does.
"""
LESS_OFTEN = 4
"""Times as long after each look for nothing: with twice, a busy server looked twenty times a photo."""
STILL_SECONDS = 1.0
"""Quiet for so long, one listens anew at each look."""
BEGIN_WRITING = "BEGIN IMMEDIATE"
WAL_TRIES = 250
SHORTEST_NAP_SECONDS, LONGEST_NAP_SECONDS = 0.0005, 0.005


def identity(path: Path) -> tuple[int, int] | None:
    """Tell a file from another that takes its name later; None where there is none."""
    try:
        stat = os.stat(path)  # noqa: PTH116 - asked for dozens of times a photo, and quicker so
    except OSError:
        return None
    return stat.st_dev, stat.st_ino


def always() -> bool:
    """Say that it is worth it."""
    return True


class SqliteChanges:
    """One connection, read by one task for as long as anybody waits."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._waiters: dict[asyncio.Future[None], Callable[[], bool]] = {}
        self._task: asyncio.Task[None] | None = None
        self._writes: FileEvents | None = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None and identity(self._path) != self._file:
            self._connection.close()
            self._connection = None
        if self._connection is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(self._path, timeout=0, isolation_level=None)
            self._file = identity(self._path)
        return self._connection

    def has_row(self, query: str, parameters: Mapping[str, Any] | Sequence[Any]) -> bool:
        """Say whether a query finds anything; True also when the file cannot be asked: then have the caller look."""
        try:
            return self._open().execute(query, parameters).fetchone() is not None
        except (sqlite3.DatabaseError, OSError):
            return True

    def rows(self, query: str, parameters: Mapping[str, Any] | Sequence[Any]) -> list[Any] | None:
        """Return what a query finds; None when the file cannot be asked: then have the caller look another way."""
        try:
            return self._open().execute(query, parameters).fetchall()
        except (sqlite3.DatabaseError, OSError):
            return None

    def mark(self) -> int:
        """Return a number that changes whenever another connection commits."""
        try:
            (version,) = self._open().execute("PRAGMA data_version").fetchone()
        except (sqlite3.DatabaseError, OSError):  # locked, or no database at all: the caller's own look will tell
            return -1
        return int(version)

    async def wait(self, timeout_seconds: float, *, since: int, worth: Callable[[], bool] = always) -> None:
        """Return at the first commit after a mark was taken, or after the time.

        Args:
            timeout_seconds: that one waits at most.
            since: the mark.
            worth: asked after each commit, whether to return for it: to wake a task costs more than a look. Not asked
                about one that came between the mark and the call.
        """
        if self.mark() != since:
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiters[waiter] = worth
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._watch(since))
        try:
            async with asyncio.timeout(timeout_seconds):
                await waiter
        except TimeoutError:
            pass
        finally:
            self._waiters.pop(waiter, None)

    async def _watch(self, seen: int) -> None:
        while self._waiters:
            await self._pause(seen)
            if (version := self.mark()) != seen:
                seen = version
                for waiter, worth in self._waiters.items():
                    if not waiter.done() and worth():
                        waiter.set_result(None)

    async def _pause(self, seen: int) -> None:
        """Wait until it is worth looking again."""
        if self._writes is None:
            self._writes = FileEvents(self._path.with_name(f"{self._path.name}-wal"))
        self._writes.forget()
        seconds, listens = LATER_SECONDS, False
        while self._waiters and self.mark() == seen:
            if not listens and not self._writes.arm():
                await asyncio.sleep(POLL_SECONDS)
            elif await self._writes.heard(seconds):
                seconds, listens = SOON_SECONDS, False
                await asyncio.sleep(SOON_SECONDS)  # so that many commits in a row wake us once
            else:
                seconds = min(LESS_OFTEN * seconds, DEAF_SECONDS)
                listens = seconds < STILL_SECONDS  # a file that takes the name of ours is found in the end

    async def close(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._writes is not None:
            self._writes.close()
        if self._connection is not None:
            self._connection.close()


def begin_writing(connection: sqlite3.Connection) -> None:
    """Take the one write lock, asking often.

    SQLite's own waiting sleeps longer and longer, up to a tenth of a second, while others come and go: under load some
    waited for seconds. Fair in the long run, and never asleep for more than five milliseconds, is asking at random.

    Raises:
        sqlite3.OperationalError: it was not free within the connection's `busy_timeout`.
    """
    (patience,) = connection.execute("PRAGMA busy_timeout").fetchone()
    deadline = time.monotonic() + patience / 1000
    connection.execute("PRAGMA busy_timeout=0")
    nap = SHORTEST_NAP_SECONDS
    try:
        while not has_begun(connection, last_try=time.monotonic() >= deadline):
            time.sleep(nap * random.uniform(0.5, 1))  # noqa: S311 - no secret
            nap = min(2 * nap, LONGEST_NAP_SECONDS)
    finally:
        connection.execute(f"PRAGMA busy_timeout={patience}")


def has_begun(connection: sqlite3.Connection, *, last_try: bool) -> bool:
    """Take the write lock, or say that another has it."""
    try:
        connection.execute(BEGIN_WRITING)
    except sqlite3.OperationalError as error:
        if last_try or error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True


def enter_wal(execute: Callable[[str], object]) -> None:
    """Turn the write-ahead log on, which stays on in the file.

    Of processes that do so at once on a fresh file one may be told "database is locked" without any waiting: SQLite
    asks no busy handler there.
    """
    for _ in range(WAL_TRIES):
        try:
            execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            time.sleep(POLL_SECONDS)
        else:
            return
    execute("PRAGMA journal_mode=WAL")
