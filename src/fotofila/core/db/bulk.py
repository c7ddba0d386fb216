"""Many rows of a table in one statement of PostgreSQL, each column an array."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import JSON, Column, Insert, String, Table
from sqlalchemy.dialects import postgresql

from fotofila.core.db.gaps import dump_json
from fotofila.core.db.plain import Plain

DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]

Convert = Callable[[Any], Any]


class Together:
    """Writes to several tables in one statement, whose order among themselves does not matter."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._values: list[Any] = []
        self._last = ""

    def _number(self, values: Sequence[Any]) -> int:
        first = len(self._values) + 1
        self._values.extend(values)
        return first

    def add(self, write: Callable[[int], str], values: Sequence[Any]) -> None:
        """Add a statement that changes rows; `write` is given the number of its first value."""
        self._parts.append(write(self._number(values)))

    def insert(self, statement: Insert, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows that name the same columns; numbers of their own they get in this order."""
        table: Any = statement.table
        names = tuple(rows[0])
        self.add(lambda first: insertion(table, names, first), columns_of(table, names, rows))

    def update(self, table: Any, rows: Sequence[Mapping[str, Any]]) -> None:
        """Change rows, each found by its `id`, which is named first; all name the same columns."""
        names = tuple(rows[0])
        self.add(lambda first: change(table, names, first), columns_of(table, names, rows))

    def insert_in_turn(self, lock: int, table: Any, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows that are written last, under an advisory lock that is taken once all else is written."""
        names = tuple(rows[0])
        first = self._number([lock, *columns_of(table, names, rows)])
        counts = (f"(SELECT count(*) FROM w{number})" for number in range(len(self._parts)))  # noqa: S608
        others = " + ".join(["0", *counts])
        self._last = (
            f", turn AS MATERIALIZED (SELECT pg_advisory_xact_lock(${first}) WHERE {others} >= 0) "  # noqa: S608
            f"INSERT INTO {table.name} ({quoted(names)}) SELECT {quoted(names)} FROM turn, "
            f"{unnested(table, names, first + 1)} WITH ORDINALITY AS new({quoted(names)}, place) ORDER BY place"
        )

    async def run(self, plain: Plain) -> None:
        """Write it all."""
        if self._values:
            parts = ", ".join(f"w{number} AS ({part} RETURNING 1)" for number, part in enumerate(self._parts))
            before = f"WITH {parts}" if parts else "WITH nothing AS (SELECT 1)"
            await plain.rows(f"{before}{self._last or ' SELECT 1'}", *self._values)


def columns_of(table: Table, names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
    """Turn rows into columns of values as the driver takes them."""
    columns = []
    for name in names:
        convert = converter(table.c[name])
        columns.append([row[name] if convert is None else convert(row[name]) for row in rows])
    return columns


@cache
def insertion(table: Table, names: tuple[str, ...], first: int) -> str:
    """Write the statement."""
    return f"INSERT INTO {table.name} ({quoted(names)}) SELECT * FROM {unnested(table, names, first)}"  # noqa: S608


@cache
def change(table: Table, names: tuple[str, ...], first: int) -> str:
    """Write the statement that changes rows."""
    changed = ", ".join(f'"{name}" = new."{name}"' for name in names[1:])
    new = f"{unnested(table, names, first)} AS new({quoted(names)})"
    return f"UPDATE {table.name} SET {changed} FROM {new} WHERE {table.name}.id = new.id"  # noqa: S608


@cache
def quoted(names: tuple[str, ...]) -> str:
    """List columns: `left` is one of ours and a word of SQL."""
    return ", ".join(f'"{name}"' for name in names)


@cache
def unnested(table: Table, names: tuple[str, ...], first: int) -> str:
    """Write the source of rows whose columns are arrays, the first of them `$first`."""
    arrays = ", ".join(f"${number}::{sql_type(table.c[name])}[]" for number, name in enumerate(names, first))
    return f"unnest({arrays})"


def sql_type(column: Column[Any]) -> str:
    """Name the type of a column; a text has no length there, or what is too long would be cut and not refused."""
    if isinstance(column.type, String):
        return "text"
    return str(column.type.dialect_impl(DIALECT).compile(DIALECT))


@cache
def converter(column: Column[Any]) -> Convert | None:
    """Return what makes the driver's value of ours; None where they are the same."""
    return dump_unless_none if isinstance(column.type, JSON) else None


def dump_unless_none(value: Any) -> str | None:
    """Write JSON; None is no value at all."""
    return None if value is None else dump_json(value)
