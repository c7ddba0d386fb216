"""Which rows of the outbox go next: all that are due, or, where there are more than may go, each workspace in turn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import chain, zip_longest
from typing import Any, NamedTuple

from sqlalchemy import select, text, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.core.capability import Context
from fotofila.core.jobs.models import OutboxMessage
from fotofila.feedback.gates import Gate, Gates

LANES = """
WITH RECURSIVE found(name) AS (
    SELECT min(lane) FROM outbox
    UNION ALL
    SELECT (SELECT min(lane) FROM outbox WHERE lane > found.name) FROM found WHERE found.name IS NOT NULL
) SELECT name FROM found WHERE name IS NOT NULL
"""
"""Walks from one value of the index to the next, however many rows have each: DISTINCT would read them all."""


class Due(NamedTuple):
    """A row of the outbox."""

    id: int
    lane: str
    owner: str
    payload: bytes
    dedup_id: str
    job_id: str
    due_at: datetime


OUTBOX: Any = OutboxMessage.__table__
DUE = [OUTBOX.c[name] for name in Due._fields]
OLDEST = f"SELECT {', '.join(Due._fields)} FROM outbox WHERE due_at <= :now ORDER BY due_at, id LIMIT :most"  # noqa: S608
"""In the order of the index, so that rows that wait for their time are not read."""

OWNERS = """
WITH RECURSIVE found(name) AS (
    SELECT min(owner) FROM outbox WHERE lane = :lane
    UNION ALL
    SELECT (SELECT min(owner) FROM outbox WHERE lane = :lane AND owner > found.name) FROM found
    WHERE found.name IS NOT NULL
) SELECT name FROM found WHERE name IS NOT NULL
"""


async def next_rows(context: Context, gates: Gates, *, now: datetime, most: int) -> Sequence[Due]:
    """Return up to `most` rows, those of each lane in the order in which they are to be sent; on SQLite."""
    if gates.all_open and (found := context.db.glance(OLDEST, now=now, most=most)) is not None:
        due = sorted(map(due_of, found), key=lambda row: row.id)
        if len(due) < most and await let_through(context, gates, due):
            return due
    async with context.db.read() as session:
        rows: list[Due] = []
        for (lane,) in await session.execute(text(LANES)):
            gate = gates.of(lane)
            room = min(await gate.room(context, lane), most - len(rows))
            if room:
                rows += await take_turns(session, gate, lane, room=room, now=now)
        return rows


def due_of(row: Sequence[Any]) -> Due:
    """Shape a row of SQLite's driver."""
    return Due._make([*row[:6], datetime.fromisoformat(row[6]).replace(tzinfo=UTC)])


async def let_through(context: Context, gates: Gates, due: Sequence[Due]) -> bool:
    """Say whether all of them may go, and count them."""
    wanted = Counter(row.lane for row in due)
    for lane, count in wanted.items():
        if await gates.of(lane).room(context, lane, wanted=count) < count:
            return False
    for lane, count in wanted.items():
        gates.of(lane).credit -= count
    return True


def in_turn(owners: Sequence[str], *, after: str) -> list[str]:
    """Return sorted owners from the one after the last that had its turn."""
    return [*(owner for owner in owners if owner > after), *(owner for owner in owners if owner <= after)]


async def take_turns(session: AsyncSession, gate: Gate, lane: str, *, room: int, now: datetime) -> Sequence[Due]:
    """Return up to `room` due rows of a lane: one of each workspace, then another one of each."""
    turn = in_turn(list(await session.scalars(text(OWNERS), {"lane": lane})), after=gate.last_owner)[:room]
    if not turn:
        return []
    share = -(-room // len(turn))
    of_each = [
        select(OutboxMessage.id)
        .where(OutboxMessage.lane == lane, OutboxMessage.owner == owner, OutboxMessage.due_at <= now)
        .order_by(OutboxMessage.id)
        .limit(share)
        .subquery()
        for owner in turn
    ]
    chosen = union_all(*(select(each.c.id) for each in of_each))
    rows = await session.execute(select(*DUE).where(OUTBOX.c.id.in_(chosen)).order_by(OUTBOX.c.id))
    by_owner: dict[str, list[Due]] = {owner: [] for owner in turn}
    for row in rows:
        by_owner[row.owner].append(Due(*row))
    taken = [row for row in chain.from_iterable(zip_longest(*by_owner.values())) if row is not None][:room]
    gate.credit -= len(taken)
    gate.last_owner = taken[-1].owner if taken else ""
    return taken
