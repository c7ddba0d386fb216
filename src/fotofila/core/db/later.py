"""Rows that nobody reads before the commit: they are written then, table by table, without the unit of work.

Hot paths add a handful of them a photo, and SQLAlchemy's unit of work costs several times as much as the statements.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Insert, event
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

WAITING = "rows"


def insert_later(session: AsyncSession, statement: Insert, values: Mapping[str, Any]) -> None:
    """Add a row to the transaction; rows of one statement name the same columns.

    Args:
        session: of the transaction.
        statement: `insert(Model.__table__)`, one object for the whole program: rows are gathered by it, and written in
            the order in which each statement was first given.
        values: of the row.
    """
    session.info.setdefault(WAITING, {}).setdefault(statement, []).append(values)


async def flush_rows(session: AsyncSession) -> None:
    """Write what waits now: for whoever must see it before the commit."""
    await session.run_sync(write_rows)


@event.listens_for(Session, "before_commit")
def write_rows(session: Session) -> None:
    """Write what waits."""
    session.flush()
    if waiting := session.info.pop(WAITING, None):
        connection = session.connection()
        for statement, rows in waiting.items():
            connection.execute(statement, rows)


@event.listens_for(Session, "after_soft_rollback")
def drop_rows(session: Session, _transaction: Any) -> None:
    """Forget the rows of a transaction that never was."""
    session.info.pop(WAITING, None)
