"""Turns events into deliveries.

The cursor over the events and the deliveries that its move brings about are one transaction, and the cursor moves by
compare-and-set: of several loops one wins each stretch of events, so that nothing is told twice and nothing is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import CursorResult, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.core.capability import Context
from fotofila.core.db import insert_ignore
from fotofila.core.events.models import Event
from fotofila.core.events.service import events_after
from fotofila.core.ids import new_id
from fotofila.notify.messages import EVENT_TYPES, group_of, joined, payload_of
from fotofila.notify.models import Cursor, Notification, Rule, Target

CURSOR = "events"
BATCH = 200
LONGEST_WAIT = 10
"""A group is sent after so many quiet periods, however busy it is."""


async def collect(context: Context) -> bool:
    """Turn one stretch of events into deliveries; True when there may be more.

    Where no rule is on, the cursor stays behind: a rule hears only of what happens after it was made.
    """
    if not await context.db.has_row("SELECT 1 FROM notification_rules WHERE enabled LIMIT 1"):
        return False
    async with context.db.read() as session:
        if not await anything_new(session):
            return False
    async with context.db.write() as session:
        return await advance(session, now=context.clock.now())


async def anything_new(session: AsyncSession) -> bool:
    """Look, without writing, whether an event waits that any rule could be about."""
    position = await session.scalar(select(Cursor.event_id).where(Cursor.name == CURSOR)) or 0
    waiting = select(Event.id).where(Event.id > position, Event.type.in_(EVENT_TYPES)).limit(1)
    return await session.scalar(waiting) is not None


async def advance(session: AsyncSession, *, now: datetime) -> bool:
    """Move the cursor and add what follows; True when there may be more."""
    await session.execute(insert_ignore(session, Cursor).values(name=CURSOR, event_id=0))
    position = await session.scalar(select(Cursor.event_id).where(Cursor.name == CURSOR)) or 0
    # Ids rise in the order of commits: what is committed after we looked for the highest has a higher one.
    head = await session.scalar(select(func.max(Event.id))) or 0
    events = await events_after(session, after_id=position, types=EVENT_TYPES, limit=BATCH)
    full = len(events) == BATCH
    reached = events[-1].id if full else max([position, head, *(event.id for event in events)])
    moved = await session.execute(
        update(Cursor).where(Cursor.name == CURSOR, Cursor.event_id == position).values(event_id=reached)
    )
    if isinstance(moved, CursorResult) and moved.rowcount == 1 and events:
        await add_deliveries(session, events, now=now)
    return full


async def add_deliveries(session: AsyncSession, events: Sequence[Event], *, now: datetime) -> None:
    """Add the deliveries of some events; targets are held, so that none is deleted in between."""
    rules = await matching_rules(session, {event.owner for event in events})
    groups = await open_groups(session, [rule.id for rule in rules if rule.quiet_seconds])
    for event in events:
        for rule in rules:
            if (rule.owner, rule.event) != (event.owner, event.type) or event.id <= rule.after_event_id:
                continue
            if not rule.quiet_seconds:
                session.add(new_delivery(rule, event, now=now))
            elif (group := groups.get(rule.id)) is None:
                session.add(groups.setdefault(rule.id, new_group(rule, event, now=now)))
            else:
                join(group, rule, event)


async def matching_rules(session: AsyncSession, owners: set[str]) -> Sequence[Rule]:
    """Return the rules of some owners that are on and whose target is on."""
    query = (
        select(Rule)
        .join(Target, Target.id == Rule.target_id)
        .where(Rule.owner.in_(owners), Rule.enabled, Target.enabled)
        .order_by(Rule.id)
        .with_for_update(read=True)
    )
    return (await session.scalars(query)).all()


async def open_groups(session: AsyncSession, rule_ids: Sequence[str]) -> dict[str, Notification]:
    """Return the group of each rule that still takes events; held, so that none is sent in between."""
    query = select(Notification).where(Notification.rule_id.in_(rule_ids), Notification.grouping).with_for_update()
    return {group.rule_id: group for group in await session.scalars(query) if group.rule_id is not None}


def new_delivery(rule: Rule, event: Event, *, now: datetime) -> Notification:
    """Make the delivery of one event."""
    return Notification(
        id=new_id(),
        owner=rule.owner,
        target_id=rule.target_id,
        rule_id=rule.id,
        event_type=event.type,
        payload=payload_of(event),
        next_attempt_at=now,
        created_at=now,
    )


def new_group(rule: Rule, event: Event, *, now: datetime) -> Notification:
    """Make a delivery that takes further events until it has been quiet."""
    return Notification(
        id=new_id(),
        owner=rule.owner,
        target_id=rule.target_id,
        rule_id=rule.id,
        event_type=event.type,
        events=1,
        grouping=True,
        payload=group_of(event),
        next_attempt_at=event.at + timedelta(seconds=rule.quiet_seconds),
        created_at=now,
    )


def join(group: Notification, rule: Rule, event: Event) -> None:
    """Put an event into a group, which then waits for quiet anew, though not for ever."""
    group.payload = joined(group.payload, event)
    group.events += 1
    first = datetime.fromisoformat(group.payload["data"]["first_at"])
    latest = first + timedelta(seconds=LONGEST_WAIT * rule.quiet_seconds)
    group.next_attempt_at = min(event.at + timedelta(seconds=rule.quiet_seconds), latest)
