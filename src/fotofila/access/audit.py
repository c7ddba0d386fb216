"""The audit log: who did what, when, to which face or collection.

`record` adds an entry to the caller's own transaction, so that none is lost and none is there without its deed. A loop
(`audit_append.py`) chains the entries seconds later; `audit_verify.py` finds what was tampered with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.access.audit_chain import canonical, plain
from fotofila.access.audit_models import ACTION, SUBJECT, AuditInbox
from fotofila.core.capability import Principal
from fotofila.core.db.later import insert_later
from fotofila.core.ids import Id, new_id
from fotofila.core.observability.metrics import AUDIT_ENTRIES

ActorKind = Literal["key", "user", "aws_key", "operator", "system"]
INSERT = insert(AuditInbox.__table__)  # type: ignore[arg-type]  # declared wider than it is


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who did it. `operator` is who has the machine (the command line); `system` is the program by itself (a loop)."""

    kind: ActorKind
    id: str | None = None
    """Of the key or the user; at most 64 characters."""


OPERATOR = Actor(kind="operator")
SYSTEM = Actor(kind="system")


def actor_of(principal: Principal | None) -> Actor:
    """Return the actor behind a request; None is the command line."""
    if principal is None:
        return OPERATOR
    if principal.key_id is not None:
        return Actor(kind="key", id=principal.key_id)
    return Actor(kind="user", id=principal.user_id)


async def record(
    session: AsyncSession,
    *,
    owner: str,
    actor: Actor,
    action: str,
    subject: str | None,
    detail: Mapping[str, Any],
    now: datetime,
) -> Id:
    """Add an entry to the transaction: one small insert, at its commit; return the entry's id.

    Args:
        session: of `Database.write()` or `transact()`; what only reads is never committed, and is refused.
        owner: id of the workspace.
        actor: who did it.
        action: `noun.verb`, at most 64 characters: `faces.search`, `collection.create`, ...
        subject: what it was done to, at most 255 characters: the name of the collection for `collection.*`, `faces.*`
            and `users.*`; an id for everything else.
        detail: ids, counts, thresholds, texts; never vectors or pixels. Fractions are kept as text.
        now: when it was done.

    Raises:
        RuntimeError: the session only reads.
    """
    if not session.get_bind().get_execution_options().get("writes"):
        message = "an audit entry was given to a session that only reads, where it would be lost"
        raise RuntimeError(message)
    entry_id = new_id()
    insert_later(
        session,
        INSERT,
        {
            "id": entry_id,
            "owner": owner,
            "at": now,
            "actor_kind": actor.kind,
            "actor_id": actor.id,
            "action": action[: ACTION.length],
            "subject": plain(subject[: SUBJECT.length]) if subject is not None else None,
            "detail": canonical(plain(detail)),
        },
    )
    AUDIT_ENTRIES.labels(action).inc()
    return entry_id
