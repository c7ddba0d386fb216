"""Rows that come at once, written at once: while one write is under way, what comes is gathered for the next.

A commit that is synced costs more than all its statements. A row that comes alone is written at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

MOST_AT_ONCE = 128

Row = Mapping[str, Any]
"""What one caller wants written, as `orjson` takes it; `id` tells it from the others."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlainWrite:
    """A write of many rows in one transaction, in each database's own words; for hot paths only.

    It tells by its id of each row that it has written. One that cannot be written must not keep others from it: it is
    left out.
    """

    postgresql: str
    """One statement; `$1` is a JSON array of the rows. It gives the ids. Locks are waited for briefly."""
    sqlite: Callable[[sqlite3.Connection, Sequence[Row]], AbstractSet[str]]
    """Called within a transaction."""


Write = Callable[[Sequence[Row]], Awaitable[AbstractSet[str]]]


class Gathering:
    """Gathers rows for one write."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._waiting: list[tuple[Row, asyncio.Future[bool]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def add(self, row: Row) -> bool:
        """Have a row written; False where it was left out.

        It may be written although its caller was cancelled. What the write raises, it raises for each of its rows.
        """
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((row, future))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._run(), name="write-together")
        return await future

    async def _run(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
            try:
                written = await self._write([row for row, _ in group])
            except BaseException as error:
                settle(group, error)
                if not isinstance(error, Exception):
                    raise
            else:
                settle(group, written)

    async def close(self) -> None:
        """Wait for what is under way."""
        if self._writer is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await self._writer


def settle(group: Sequence[tuple[Row, asyncio.Future[bool]]], outcome: AbstractSet[str] | BaseException) -> None:
    """Tell each caller that still waits."""
    for row, future in group:
        if future.done():
            continue
        if isinstance(outcome, BaseException):
            future.set_exception(outcome)
            future.exception()  # seen, also where its caller is leaving
        else:
            future.set_result(row["id"] in outcome)
