"""When faces are to be erased."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Interval, func, literal, null, text, type_coerce, update
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.core.db import UtcDateTime
from fotofila.core.db.locks import is_postgresql
from fotofila.faces.collections.models import CollectionFace, CollectionRow


async def set_expiry(session: AsyncSession, collection: CollectionRow) -> None:
    """Give the faces that are there the collection's time to live, from the time that each was indexed at."""
    change = update(CollectionFace).where(CollectionFace.collection_id == collection.id)
    change = change.values(expires_at=_end(session, collection.ttl_days))
    await session.execute(change, execution_options={"synchronize_session": False})


def _end(session: AsyncSession, days: int | None) -> Any:
    if days is None:
        return null()
    if is_postgresql(session):
        return CollectionFace.indexed_at + literal(timedelta(days=days), Interval())
    # As `UtcDateTime` is kept in SQLite, where times are texts; to the millisecond.
    end = func.strftime("%Y-%m-%d %H:%M:%f000", CollectionFace.indexed_at, text(f"'+{int(days)} days'"))
    return type_coerce(end, UtcDateTime())
