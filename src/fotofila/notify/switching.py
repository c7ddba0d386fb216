"""Switching a target off."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import or_, update
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.notify.models import Notification, Target

SWITCHED_OFF = "The target was switched off before this was sent: switch it on and redeliver."


async def switch_off(session: AsyncSession, target_id: str, *, now: datetime) -> None:
    """Switch a target off; what waited for it fails, and can be redelivered. What is on its way may still arrive."""
    await session.execute(update(Target).where(Target.id == target_id).values(enabled=False))
    await session.execute(
        update(Notification)
        .where(
            Notification.target_id == target_id,
            Notification.state == "pending",
            or_(Notification.lease_until.is_(None), Notification.lease_until <= now),
        )
        .values(state="failed", error=SWITCHED_OFF, next_attempt_at=None, grouping=False, lease_until=None)
    )
