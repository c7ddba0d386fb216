"""Rows that nobody reads before the commit: they are written then, table by table, without the unit of work.

Hot paths add a handful of them a photo, and SQLAlchemy's unit of work costs several times as much as the statements.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy import Connection, Insert, event
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from fotofila.core.db.bare import keep
from fotofila.core.db.bulk import Together
from fotofila.core.db.plain import Plain, Writes
from fotofila.core.db.sqlite_bare import SqliteTogether

WAITING = "rows"


class Step(Protocol):
    """A write that is done once for all that a transaction has of it; one object for the whole program."""

    def write(self, connection: Connection, entries: Sequence[Any]) -> None:
        """Do it through SQLAlchemy."""
        ...

    async def write_bare(self, plain: Plain, together: Writes, entries: Sequence[Any]) -> None:
        """Do it by the driver alone: at once, or together with all else."""
        ...


def insert_later(session: AsyncSession, statement: Insert, values: Mapping[str, Any]) -> None:
    """Add a row to the transaction; rows of one statement name the same columns.

    Args:
        session: of the transaction.
        statement: `insert(Model.__table__)`, one object for the whole program: rows are gathered by it, and written in
            the order in which each statement was first given.
        values: of the row.
    """
    session.info.setdefault(WAITING, {}).setdefault(statement, []).append(values)


def do_later(session: AsyncSession, step: Step, entry: Any) -> None:
    """Add what a step is to write; steps and rows keep the order in which each was first given."""
    session.info.setdefault(WAITING, {}).setdefault(step, []).append(entry)


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
            if isinstance(statement, Insert):
                connection.execute(statement, rows)
            else:
                statement.write(connection, rows)


def writes_for(plain: Plain) -> Writes:
    """Begin a collection of writes for a connection."""
    return SqliteTogether() if plain.is_sqlite else Together()


async def write_rows_bare(plain: Plain, session: AsyncSession, together: Writes) -> None:
    """Write what waits by the driver alone, after what the session has to write itself, if there is any."""
    waiting = session.info.pop(WAITING, {})
    await keep(session)
    for statement, rows in waiting.items():
        if isinstance(statement, Insert):
            together.insert(statement, rows)
        else:
            await statement.write_bare(plain, together, rows)


@event.listens_for(Session, "after_soft_rollback")
def drop_rows(session: Session, _transaction: Any) -> None:
    """Forget the rows of a transaction that never was."""
    session.info.pop(WAITING, None)
