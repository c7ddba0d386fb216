"""Looks that come by the dozen, such as the pictures of a page of faces, are told together.

There is one entry for each actor, action and subject a minute, with the id of everything that was looked at. Each look
is written down in its own transaction, like any entry; but it waits up to a minute for its place in the chain, and then
those that belong together take one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Row, Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.access.audit_chain import canonical, moment
from fotofila.access.audit_models import AuditInbox

HOLD = timedelta(minutes=1)
BATCH = 200
MOST_LOOKS = 2000
"""That are taken at once, and told in one entry at most: some 70 kB."""
BEGINS = '{"each":['
"""How the detail of a look begins, as it is kept."""
LOOKS = AuditInbox.detail.startswith(BEGINS, autoescape=True)
DUE = f"SELECT 1 FROM audit_inbox WHERE detail NOT LIKE '{BEGINS}%' OR at <= :before LIMIT 1"  # noqa: S608 - a constant


def look_at(item: str) -> dict[str, Any]:
    """Return the detail of an entry that says that something was looked at, by its id."""
    return {"each": [item]}


async def waiting(session: AsyncSession, *, before: datetime | None) -> tuple[Row[Any], ...]:
    """Return what is to be chained now, oldest first: looks wait until one of them was made `before`; None: at once."""
    query = select(*AuditInbox.__table__.columns).order_by(AuditInbox.id)
    if before is not None and not await session.scalar(some(before)):
        return tuple((await session.execute(query.where(~LOOKS).limit(BATCH))).all())
    looks = (await session.execute(query.where(LOOKS).limit(MOST_LOOKS))).all()
    others = (await session.execute(query.where(~LOOKS).limit(BATCH))).all()
    return tuple(sorted((*looks, *others), key=lambda row: str(row.id)))


def some(before: datetime) -> Select[str]:
    """Ask for a look that has waited long enough."""
    return select(AuditInbox.id).where(LOOKS, AuditInbox.at <= before).limit(1)


def gathered(rows: Iterable[Row[Any]]) -> Iterator[SimpleNamespace]:
    """Give entries as they are to be chained: the first look of those that belong together tells of all."""
    made: dict[object, SimpleNamespace] = {}
    for number, row in enumerate(rows):
        entry = SimpleNamespace(**row._mapping, looks=looks_of(row.detail))  # noqa: SLF001 - its public name
        same = (row.owner, row.actor_kind, row.actor_id, row.action, row.subject)
        first = made.setdefault(number if entry.looks is None else same, entry)
        if first is not entry:
            first.looks = [*first.looks, *entry.looks]
            first.until = row.at
    for entry in made.values():
        looks = vars(entry).pop("looks")
        until = vars(entry).pop("until", None)
        if until is not None:
            detail = {"each": list(dict.fromkeys(looks)), "looks": len(looks), "until": moment(until)}
            entry.detail = canonical(detail)
        yield entry


def looks_of(detail: str) -> list[str] | None:
    """Return what was looked at; None where the entry is no look, or was spoiled while it waited."""
    if not detail.startswith(BEGINS):
        return None
    try:
        found = json.loads(detail)
    except (ValueError, RecursionError):
        return None
    whole = canonical(found) == detail and [*found] == ["each"] and all(isinstance(each, str) for each in found["each"])
    return found["each"] if whole else None
