"""Rules: which events are told to which target."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.core.db import insert_ignore
from fotofila.core.db.locks import lock_name
from fotofila.core.errors import ConflictError, NotFoundError
from fotofila.core.events.models import Event
from fotofila.core.ids import new_id
from fotofila.notify.errors import LimitReachedError
from fotofila.notify.models import Rule, Target

MOST_RULES = 200


async def list_rules(session: AsyncSession, owner: str) -> list[Rule]:
    """Return every rule of a workspace, oldest first."""
    return list(await session.scalars(select(Rule).where(Rule.owner == owner).order_by(Rule.id)))


async def get_rule(session: AsyncSession, owner: str, rule_id: str) -> Rule:
    """Return a rule.

    Raises:
        NotFoundError: the workspace has none with this id.
    """
    rule = await session.scalar(select(Rule).where(Rule.id == rule_id, Rule.owner == owner))
    if rule is None:
        raise NotFoundError("There is no such notification rule: see GET /api/notifications/rules.")
    return rule


async def create_rule(
    session: AsyncSession, target: Target, *, event: str, quiet_seconds: int, enabled: bool, now: datetime
) -> Rule:
    """Keep a rule; it is about what happens from now on.

    Raises:
        ConflictError: the target has a rule for this event.
        LimitReachedError: the workspace has as many as it may.
    """
    await lock_name(session, f"rules:{target.owner}")
    if (await session.scalar(select(func.count()).where(Rule.owner == target.owner)) or 0) >= MOST_RULES:
        raise LimitReachedError(f"A workspace has at most {MOST_RULES} notification rules: delete one first.")
    rule_id = new_id()
    made = await session.execute(
        insert_ignore(session, Rule).values(
            id=rule_id,
            owner=target.owner,
            event=event,
            target_id=target.id,
            quiet_seconds=quiet_seconds,
            enabled=enabled,
            after_event_id=await session.scalar(select(func.max(Event.id))) or 0,
            created_at=now,
        )
    )
    if cast("CursorResult[Any]", made).rowcount == 0:
        raise ConflictError(f"The target has a rule for {event} already: change that one.")
    return await session.get_one(Rule, rule_id)


async def change_rule(session: AsyncSession, rule: Rule, *, quiet_seconds: int | None, enabled: bool | None) -> None:
    """Change a rule; None leaves a value. What was gathered already is sent as it was meant to be."""
    if quiet_seconds is not None:
        rule.quiet_seconds = quiet_seconds
    if enabled is not None:
        rule.enabled = enabled
    await session.flush()
