"""Looking at tables from outside: how many jobs are open, and when each ended."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import asyncpg

OPEN = "SELECT count(*) FROM jobs WHERE state IN ('pending', 'queued', 'running', 'waiting')"
ENDED = "SELECT photo_id, finished_at, state FROM jobs"
PEER_OPEN = "SELECT count(*) FROM peer_photos WHERE finished_at IS NULL"
PEER_ENDED = "SELECT id, finished_at, state FROM peer_photos"


class Rows(Protocol):
    """Answers queries."""

    def query(self, text: str) -> list[tuple[Any, ...]]:
        """Return all rows."""
        ...


class SqliteRows:
    """A SQLite file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def query(self, text: str) -> list[tuple[Any, ...]]:
        """Return all rows."""
        connection = sqlite3.connect(self._path, timeout=30)
        try:
            return connection.execute(text).fetchall()
        finally:
            connection.close()


class PostgresRows:
    """A PostgreSQL database."""

    def __init__(self, url: str) -> None:
        self._url = url

    def query(self, text: str) -> list[tuple[Any, ...]]:
        """Return all rows."""

        async def ask() -> list[tuple[Any, ...]]:
            connection = await asyncpg.connect(self._url)
            try:
                return [tuple(row) for row in await connection.fetch(text)]
            finally:
                await connection.close()

        return asyncio.run(ask())


def timestamp(value: datetime | str) -> float:
    """Read a time as either database gives it."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    return value.replace(tzinfo=value.tzinfo or UTC).timestamp()
