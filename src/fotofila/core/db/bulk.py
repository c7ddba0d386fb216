"""Many rows of a table in one statement of PostgreSQL, each column an array."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import JSON, Column, Insert, String, Table
from sqlalchemy.dialects import postgresql

from fotofila.core.db.bare import Bare
from fotofila.core.db.gaps import dump_json

DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]

Convert = Callable[[Any], Any]


async def insert_rows(bare: Bare, statement: Insert, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that name the same columns; numbers of their own they get in this order."""
    table: Any = statement.table
    names = tuple(rows[0])
    await bare.rows(insertion(table, names), *columns_of(table, names, rows))


def columns_of(table: Table, names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
    """Turn rows into columns of values as the driver takes them."""
    columns = []
    for name in names:
        convert = converter(table.c[name])
        columns.append([row[name] if convert is None else convert(row[name]) for row in rows])
    return columns


@cache
def insertion(table: Table, names: tuple[str, ...]) -> str:
    """Write the statement."""
    return f"INSERT INTO {table.name} ({quoted(names)}) SELECT * FROM {unnested(table, names)}"  # noqa: S608 - our tables


def quoted(names: Sequence[str]) -> str:
    """List columns: `left` is one of ours and a word of SQL."""
    return ", ".join(f'"{name}"' for name in names)


def unnested(table: Table, names: Sequence[str], *, first: int = 1) -> str:
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
