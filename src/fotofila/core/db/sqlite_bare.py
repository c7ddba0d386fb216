"""SQLite by its driver alone, as `bare` and `bulk` are for PostgreSQL: on the thread of its connection, no hop between.

A statement costs SQLAlchemy's engine ten times what it costs SQLite.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

import orjson
from sqlalchemy import JSON, Column, DateTime, Insert, Table, TypeDecorator

from fotofila.core.db.bulk import dump_unless_none, quoted
from fotofila.core.db.plain import Plain

Convert = Callable[[Any], Any]
Rows = Sequence[Mapping[str, Any]]


class SqliteBare:
    """The connection; `$1` is the first parameter, a list is given as JSON, a time as `UtcDateTime` keeps it."""

    is_sqlite = True

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def among(self, number: int) -> str:
        """Write that a text is one of a list."""
        return f"IN (SELECT value FROM json_each(${number}))"  # noqa: S608 - a number

    async def rows(self, statement: str, *values: Any) -> list[Any]:
        """Run a statement and return its rows; it waits for nothing but the disk."""
        named = {str(number): plain_value(value) for number, value in enumerate(values, 1)}
        return self._connection.execute(statement, named).fetchall()

    def run_many(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run a statement with `?` once for each row."""
        self._connection.executemany(statement, rows)


class SqliteTogether:
    """Writes that are done one after the other: within a transaction that holds the write lock it is no matter when."""

    def __init__(self) -> None:
        self._writes: list[tuple[str, list[list[Any]]]] = []
        self._last: list[tuple[str, list[list[Any]]]] = []

    def insert(self, statement: Insert, rows: Rows) -> None:
        """Add rows that name the same columns."""
        self._writes.append(insertion(statement.table, rows))

    def update(self, table: Any, rows: Rows) -> None:
        """Change rows, each found by its `id`, which is named first."""
        names = tuple(rows[0])
        moved = [[*values, key] for key, *values in values_of(table, names, rows)]
        self._writes.append((change(table, names[1:]), moved))

    def insert_in_turn(self, _lock: int, table: Any, rows: Rows) -> None:
        """Add rows that are written last; who holds the write lock has the turn."""
        self._last.append(insertion(table, rows))

    async def run(self, plain: Plain) -> None:
        """Write it all."""
        assert isinstance(plain, SqliteBare)  # noqa: S101 - who makes the one makes the other
        for statement, rows in (*self._writes, *self._last):
            plain.run_many(statement, rows)


def insertion(table: Any, rows: Rows) -> tuple[str, list[list[Any]]]:
    """Write the statement that adds rows, with their values."""
    names = tuple(rows[0])
    return addition(table, names), values_of(table, names, rows)


@cache
def addition(table: Table, names: tuple[str, ...]) -> str:
    """Write the statement that adds a row."""
    return f"INSERT INTO {table.name} ({quoted(names)}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608


@cache
def change(table: Table, names: tuple[str, ...]) -> str:
    """Write the statement that changes a row."""
    changed = ", ".join(f'"{name}" = ?' for name in names)
    return f"UPDATE {table.name} SET {changed} WHERE id = ?"  # noqa: S608


def values_of(table: Table, names: tuple[str, ...], rows: Rows) -> list[list[Any]]:
    """Return the values of rows as the driver takes them."""
    converts = writers(table, names)
    return [
        [row[name] if convert is None else convert(row[name]) for name, convert in zip(names, converts, strict=True)]
        for row in rows
    ]


@cache
def writers(table: Table, names: tuple[str, ...]) -> tuple[Convert | None, ...]:
    """Return what makes the driver's values of ours."""
    return tuple(writer(table.c[name]) for name in names)


@cache
def readers(table: Table) -> tuple[tuple[str, Convert | None], ...]:
    """Return the names of columns, and what makes our values of the driver's."""
    return tuple((column.name, reader(column)) for column in table.c)


def writer(column: Column[Any]) -> Convert | None:
    """Return what makes the driver's value of ours; None where they are the same."""
    if isinstance(column.type, JSON):
        return dump_unless_none
    return plain_time if is_time(column) else None


def reader(column: Column[Any]) -> Convert | None:
    """Return what makes our value of the driver's; None where they are the same."""
    if isinstance(column.type, JSON):
        return load_unless_none
    return read_time if is_time(column) else None


def is_time(column: Column[Any]) -> bool:
    """Say whether a column holds times, which are `UtcDateTime` everywhere."""
    return isinstance(column.type, TypeDecorator) and isinstance(column.type.impl_instance, DateTime)


def plain_value(value: Any) -> Any:
    """Write a parameter as SQLite takes it."""
    if isinstance(value, datetime):
        return plain_time(value)
    return orjson.dumps(value).decode() if isinstance(value, list) else value


def plain_time(value: datetime | None) -> str | None:
    """Write a time as `UtcDateTime` keeps it in SQLite."""
    if value is None:
        return None
    if value.tzinfo is None:
        message = "a time without a zone was given to the database"
        raise ValueError(message)
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def read_time(value: str | None) -> datetime | None:
    """Read a time."""
    return None if value is None else datetime.fromisoformat(value).replace(tzinfo=UTC)


def load_unless_none(value: str | None) -> Any:
    """Read JSON."""
    return None if value is None else orjson.loads(value)
