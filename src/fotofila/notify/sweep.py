"""Old deliveries are forgotten."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import CursorResult, delete

from fotofila.core.capability import Context
from fotofila.notify.models import Notification

KEPT = timedelta(days=30)


async def sweep_deliveries(context: Context) -> int:
    """Delete the deliveries that are older than thirty days; all attempts take four at most. Returns how many."""
    before = context.clock.now() - KEPT
    async with context.db.write() as session:
        result = await session.execute(delete(Notification).where(Notification.created_at < before))
    return result.rowcount if isinstance(result, CursorResult) else 0
