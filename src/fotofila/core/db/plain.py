"""Statements without SQLAlchemy, on either database: what a transaction's work is given, whichever it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy import Insert


class Plain(Protocol):
    """A connection in a transaction; statements are in the words of its database, with `$1` for parameters."""

    @property
    def is_sqlite(self) -> bool:
        """Say which database it is."""
        ...

    def among(self, number: int) -> str:
        """Write that a text is one of the list that is given as a parameter: `WHERE id {among(1)}`."""
        ...

    async def rows(self, statement: str, *values: Any) -> list[Any]:
        """Run a statement and return its rows."""
        ...


class Writes(Protocol):
    """Writes to several tables whose order among themselves does not matter."""

    def insert(self, statement: Insert, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows that name the same columns; numbers of their own they get in this order."""
        ...

    def update(self, table: Any, rows: Sequence[Mapping[str, Any]]) -> None:
        """Change rows, each found by its `id`, which is named first; all name the same columns."""
        ...

    def insert_in_turn(self, lock: int, table: Any, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows that are written last, in the order of commits."""
        ...

    async def run(self, plain: Plain) -> None:
        """Write it all."""
        ...
