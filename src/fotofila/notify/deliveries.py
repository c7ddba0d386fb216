"""The delivery log."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.core.errors import ConflictError, NotFoundError
from fotofila.notify.models import Notification, Target


async def list_deliveries(
    session: AsyncSession, owner: str, *, target_id: str | None, before_id: str | None, limit: int
) -> list[Notification]:
    """Return deliveries of a workspace, newest first, those made before one."""
    query = select(Notification).where(Notification.owner == owner).order_by(Notification.id.desc()).limit(limit)
    if target_id is not None:
        query = query.where(Notification.target_id == target_id)
    if before_id is not None:
        query = query.where(Notification.id < before_id)
    return list(await session.scalars(query))


async def redeliver(session: AsyncSession, owner: str, delivery_id: str, *, now: datetime) -> Notification:
    """Have a delivery sent now, with all its attempts before it and under the same id.

    Raises:
        NotFoundError: the workspace has none with this id.
        ConflictError: it is being sent at this moment, or its target is switched off.
    """
    query = (
        select(Notification, Target.enabled)
        .join(Target, Target.id == Notification.target_id)
        .where(Notification.id == delivery_id, Notification.owner == owner)
        .with_for_update(of=Notification)
    )
    found = (await session.execute(query)).first()
    if found is None:
        raise NotFoundError("There is no such delivery: see GET /api/notifications/deliveries.")
    delivery, enabled = found
    if not enabled:
        raise ConflictError("The target is switched off: switch it on, then redeliver.")
    if delivery.lease_until is not None and delivery.lease_until > now:
        raise ConflictError("The delivery is being sent at this moment: wait for what becomes of it.")
    delivery.state, delivery.attempts, delivery.next_attempt_at = "pending", 0, now
    delivery.grouping, delivery.lease_until = False, None
    delivery.status_code = delivery.error = delivery.delivered_at = None
    await session.flush()
    return delivery
