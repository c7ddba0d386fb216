"""A connection for what is written together: one statement at a time, one round trip each.

To take a connection from the pool costs more than the statement (0.15 ms of CPU), and on this one locks are waited for
less.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import orjson

from fotofila.core.db.notify import driver_errors
from fotofila.core.db.outages import DatabaseUnavailableError, code_of, first_line, translate
from fotofila.core.db.postgresql import PING_AFTER_SECONDS, PostgresOptions, connect
from fotofila.core.db.together import Row
from fotofila.core.errors import FotofilaError, StorageFullError
from fotofila.core.observability.logs import get_logger

log = get_logger(__name__)

LOCK_SECONDS = 1.0
"""Longest wait for another's lock: who is held up by it goes on alone, and holds up nobody else."""
LEFT_NOTHING = ("40", "55P03")
"""Beginnings of codes that say: thrown out for another's sake, or waited too long for a lock."""


class PostgresWriter:
    """One connection, opened at its first use and again when it was lost."""

    def __init__(self, url: str, options: PostgresOptions) -> None:
        self._url = url
        self._options = options
        self._connection: Any = None
        self._prepared: dict[str, Any] = {}
        self._rests_since = 0.0
        self._busy = asyncio.Lock()

    @property
    def is_open(self) -> bool:
        """Say whether there is a connection, and nothing under way on it."""
        return self._connection is not None and not self._busy.locked()

    async def write(self, statement: str, rows: Sequence[Row]) -> AbstractSet[str]:
        """Run a statement on rows; return the ids that it gives, none where it failed and left nothing.

        Raises:
            DatabaseUnavailableError: there is no answer, and nobody knows whether the rows were written.
            StorageFullError: the server has no room.
        """
        try:
            given = orjson.dumps(rows).decode()
        except TypeError:  # half a surrogate pair: whoever writes it alone is told
            return frozenset()
        async with self._busy:
            try:
                connection = await self._alive()
                prepared = self._prepared.get(statement) or await self._prepare(connection, statement)
                found = await prepared.fetch(given)
            except driver_errors() as error:
                ours = self._judge(error)
                if ours is not None:
                    raise ours from error
                return frozenset()
            finally:
                self._rests_since = time.monotonic()
        return {record[0] for record in found}

    async def say(self, statement: str) -> None:
        """Run a statement that gives nothing.

        Raises:
            DatabaseUnavailableError: there is no answer.
        """
        async with self._busy:
            try:
                await (await self._alive()).execute(statement)
            except driver_errors() as error:
                raise self._judge(error) or DatabaseUnavailableError(first_line(error)) from error

    async def _prepare(self, connection: Any, statement: str) -> Any:
        self._prepared[statement] = prepared = await connection.prepare(statement)
        return prepared

    async def _alive(self) -> Any:
        if self._connection is not None and not self._connection.is_closed():
            if time.monotonic() - self._rests_since < PING_AFTER_SECONDS:
                return self._connection
            try:
                await self._connection.execute("SELECT 1")
            except driver_errors() as error:
                log.info("writer.lost", error=first_line(error))
            else:
                return self._connection
        self._forget()
        self._connection = await connect(self._url, self._options)
        await self._connection.execute(f"SET lock_timeout = {LOCK_SECONDS * 1000:.0f}")
        return self._connection

    def _judge(self, error: BaseException) -> FotofilaError | None:
        """Say what is to be raised; None where the server has refused, and nothing was written."""
        code = code_of(error)
        if not code:
            self._forget()
        self._prepared.clear()  # so that one that no longer fits the tables is made anew
        if code.startswith(LEFT_NOTHING):
            return None
        ours = translate(error)
        if ours is None and not code:
            ours = DatabaseUnavailableError(first_line(error))
        return ours if isinstance(ours, DatabaseUnavailableError | StorageFullError) else None

    def _forget(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
        self._connection = None
        self._prepared.clear()

    async def close(self) -> None:
        """Close the connection."""
        async with self._busy:
            self._forget()
