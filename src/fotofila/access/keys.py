"""API keys: `ff_<8 characters that find it>_<43 characters that prove it>`, kept only as a hash."""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.access.audit import actor_of, record
from fotofila.access.cache import forget_on_commit
from fotofila.access.models import ApiKey
from fotofila.access.scopes import Scope, demand_reach, in_order
from fotofila.core.capability import Principal
from fotofila.core.crypto import new_token, token_hash
from fotofila.core.errors import ConflictError, InvalidInputError, NotFoundError
from fotofila.core.ids import is_id, new_id

_ALPHABET = string.ascii_lowercase + string.digits
_FORM = re.compile(r"ff_([a-z0-9]{8})_[A-Za-z0-9_-]{43}")
MAX_OVERLAP = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key that was just made; `secret` is what its user sends, and is seen here only."""

    row: ApiKey
    secret: str


class KeyExpiredError(ConflictError):
    """An expired key is no base for a new one."""

    code = "key_expired"
    title = "The key has expired"


def parse_key(key: str) -> str | None:
    """Return the prefix of a key, or None where it has not the form of one."""
    match = _FORM.fullmatch(key)
    return match[1] if match else None


async def create_key(
    session: AsyncSession,
    *,
    owner: str,
    name: str,
    scopes: Collection[str],
    now: datetime,
    expires_at: datetime | None = None,
    by: Principal | None = None,
) -> NewKey:
    """Make a key.

    Args:
        session: the transaction.
        owner: id of the workspace.
        name: what people call it.
        scopes: how far it reaches, at least one.
        now: the time.
        expires_at: when it ends by itself; later than `now`.
        by: who asks; None is the operator, who may do anything.

    Raises:
        InvalidInputError: no scope that we know, or an end in the past.
        ForbiddenError: the scopes go beyond those of `by`.
    """
    known = demand_scopes(scopes, now=now, expires_at=expires_at, by=by)
    prefix = "".join(secrets.choice(_ALPHABET) for _ in range(8))
    secret = f"ff_{prefix}_{new_token()}"
    row = ApiKey(
        id=new_id(),
        owner=owner,
        name=name,
        prefix=prefix,
        key_hash=token_hash(secret),
        scopes=list(known),
        created_at=now,
        expires_at=expires_at,
    )
    session.add(row)
    await session.flush()
    detail = {"name": name, "scopes": list(known), "expires_at": expires_at and expires_at.isoformat()}
    await record(session, owner=owner, actor=actor_of(by), action="key.create", subject=row.id, detail=detail, now=now)
    return NewKey(row=row, secret=secret)


def demand_scopes(
    scopes: Collection[str], *, now: datetime, expires_at: datetime | None, by: Principal | None
) -> list[Scope]:
    """Return the scopes of a key to be made, in their order.

    Raises:
        InvalidInputError: no scope that we know, or an end in the past.
        ForbiddenError: the scopes go beyond those of `by`.
    """
    known = in_order(scopes)
    if not known or len(known) != len(set(scopes)):
        message = "A key needs at least one of the scopes photos:read, photos:write, failures, admin, and no other."
        raise InvalidInputError(message)
    if expires_at is not None and expires_at <= now:
        message = "expires_at lies in the past: give a later time, or leave it out."
        raise InvalidInputError(message)
    if by is not None:
        demand_reach(by, known)
    return known


async def list_keys(
    session: AsyncSession, *, owner: str, limit: int = 200, before: str | None = None
) -> Sequence[ApiKey]:
    """Return keys of a workspace, newest first; `before` is the id of the last one seen."""
    query = select(ApiKey).where(ApiKey.owner == owner).order_by(ApiKey.id.desc()).limit(limit)
    if before is not None:
        query = query.where(ApiKey.id < before)
    return (await session.scalars(query)).all()


async def find_key(session: AsyncSession, *, owner: str, key_id: str) -> ApiKey:
    """Return one key.

    Raises:
        NotFoundError: the workspace has no such key.
    """
    query = select(ApiKey).where(ApiKey.id == key_id, ApiKey.owner == owner).with_for_update()
    key = await session.scalar(query) if is_id(key_id) else None
    if key is None:
        raise NotFoundError("There is no such API key: GET /api/keys lists them.")
    return key


async def rotate_key(
    session: AsyncSession,
    *,
    owner: str,
    key_id: str,
    overlap: timedelta,
    now: datetime,
    by: Principal | None = None,
) -> NewKey:
    """Make a key of the same name, scopes and lifetime; the old one ends when the overlap is over.

    Raises:
        NotFoundError: the workspace has no such key.
        KeyExpiredError: it has ended already.
        ForbiddenError: its scopes go beyond those of `by`.
    """
    old = await find_key(session, owner=owner, key_id=key_id)
    if old.expires_at is not None and old.expires_at <= now:
        raise KeyExpiredError("The key has expired: make a new one.")
    lifetime = old.expires_at - old.created_at if old.expires_at is not None else None
    made = await create_key(
        session,
        owner=owner,
        name=old.name,
        scopes=old.scopes,
        now=now,
        expires_at=now + lifetime if lifetime is not None else None,
        by=by,
    )
    end = now + min(overlap, MAX_OVERLAP)
    old.expires_at = min(end, old.expires_at) if old.expires_at is not None else end
    detail = {"following": made.row.id, "ends": old.expires_at.isoformat()}
    await record(session, owner=owner, actor=actor_of(by), action="key.rotate", subject=old.id, detail=detail, now=now)
    forget_on_commit(session)
    return made


async def revoke_key(
    session: AsyncSession, *, owner: str, key_id: str, now: datetime, by: Principal | None = None
) -> None:
    """End a key now.

    Raises:
        NotFoundError: the workspace has no such key.
    """
    key = await find_key(session, owner=owner, key_id=key_id)
    await session.delete(key)
    detail = {"name": key.name}
    await record(session, owner=owner, actor=actor_of(by), action="key.revoke", subject=key.id, detail=detail, now=now)
    forget_on_commit(session)
