"""A row for every table of a schema, made from the schema alone, so that no table is forgotten."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Column, Connection, MetaData, Table

AT = datetime(2026, 3, 4, 5, 6, 7, 890, tzinfo=UTC)


def reflected(connection: Connection) -> MetaData:
    """Read the schema that is there."""
    metadata = MetaData()
    metadata.reflect(connection, only=lambda name, _: name != "alembic_version")
    return metadata


def add_rows(connection: Connection, metadata: MetaData, number: int, *, whole: bool = True) -> None:
    """Add a row to every table, parents first; `whole` gives columns a value that could do without."""
    for table in metadata.sorted_tables:
        connection.execute(table.insert().values(row(table, number, whole=whole)))


def row(table: Table, number: int, *, whole: bool) -> dict[str, Any]:
    """Make a row that differs from that of every other number in all that may be unique."""
    return {
        column.name: value(column, number)
        for column in table.columns
        if not is_numbered(column) and (whole or not (column.nullable or column.server_default is not None))
    }


def is_numbered(column: Column[Any]) -> bool:
    """Say whether the database gives the value."""
    alone = column.primary_key and len(column.table.primary_key.columns) == 1
    return alone and isinstance(column.type, sa.Integer) and column.autoincrement is not False


def value(column: Column[Any], number: int) -> Any:
    """Make a value of the column's type."""
    text = f"{number:032x}"
    kind: Any = column.type
    values = (
        (sa.Boolean, number % 2 == 0),
        (sa.Integer, number),
        (sa.Numeric, number / 4),
        (sa.Float, number / 4),
        (sa.DateTime, AT if getattr(kind, "timezone", False) else AT.replace(tzinfo=None)),
        (sa.LargeBinary, b"\x00\xff" + number.to_bytes(4, "big")),
        (sa.JSON, {"number": number, "text": "ação", "list": [1, None]}),
        (sa.String, text[-kind.length :] if getattr(kind, "length", None) else text),
    )
    return next(made for each, made in values if isinstance(kind, each))


def counts(connection: Connection, metadata: MetaData) -> dict[str, int]:
    """Count the rows of every table."""
    return {
        table.name: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
        for table in metadata.sorted_tables
    }
