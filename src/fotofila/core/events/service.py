"""Writing and reading events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import event, insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from fotofila.core.db.later import write_rows
from fotofila.core.db.plain import Writes
from fotofila.core.events.models import Event

ORDER_LOCK = 7_046_029_254
"""Advisory lock that makes PostgreSQL hand out event ids in commit order: ids come last, singly."""
TAKE_TURN = text("SELECT pg_advisory_xact_lock(:key)")
UNWRITTEN = "events"
EVENTS: Any = Event.__table__
INSERT_EVENT = insert(EVENTS)


async def append_event(
    session: AsyncSession,
    *,
    owner: str,
    event_type: str,
    at: datetime,
    photo_id: str | None = None,
    job_id: str | None = None,
    batch_id: str | None = None,
    data: dict[str, Any] | None = None,
) -> None:
    """Add an event to the transaction.

    It is written, and gets its id, as the last thing before the commit. So whoever writes events holds the lock that
    orders them for a moment only, and waits for nobody else's row while he holds it.
    """
    session.info.setdefault(UNWRITTEN, []).append(
        {
            "owner": owner,
            "type": event_type,
            "at": at,
            "photo_id": photo_id,
            "job_id": job_id,
            "batch_id": batch_id,
            "data": data or {},
        }
    )


@event.listens_for(Session, "before_commit")
def write_events(session: Session) -> None:
    """Write the transaction's events; on SQLite the one write lock already orders ids as commits."""
    events = session.info.pop(UNWRITTEN, None)
    if not events:
        return
    write_rows(session)
    if session.get_bind().dialect.name == "postgresql":
        session.connection().execute(TAKE_TURN, {"key": ORDER_LOCK})
    session.connection().execute(INSERT_EVENT, events)


def add_events(session: AsyncSession, together: Writes) -> None:
    """Add the events of a transaction to what is written by the driver alone: last of all, as `write_events` does."""
    if events := session.info.pop(UNWRITTEN, None):
        together.insert_in_turn(ORDER_LOCK, EVENTS, events)


@event.listens_for(Session, "after_soft_rollback")
def drop_events(session: Session, _transaction: Any) -> None:
    """Forget the events of a transaction that never was."""
    session.info.pop(UNWRITTEN, None)


async def events_after(
    session: AsyncSession,
    *,
    after_id: int,
    owner: str | None = None,
    types: Sequence[str] = (),
    limit: int = 200,
) -> Sequence[Event]:
    """Return events with a higher id, oldest first; of one owner, or of all."""
    query = select(Event).where(Event.id > after_id).order_by(Event.id).limit(limit)
    if owner is not None:
        query = query.where(Event.owner == owner)
    if types:
        query = query.where(Event.type.in_(types))
    return (await session.scalars(query)).all()
