"""Who is asking: an API key in a header, or a session in the cookie.

A principal is believed for five seconds without another query. A key that is revoked, or a role that is changed, ends
at once in the process that did it and within those five seconds in every other.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.access.cache import KEPT_FOR, PRINCIPALS
from fotofila.access.keys import parse_key
from fotofila.access.models import ApiKey, User, UserSession, Workspace
from fotofila.access.scopes import ROLE_SCOPES
from fotofila.access.sign_in import session_end
from fotofila.api.cookie import SESSION_COOKIE
from fotofila.core.capability import Context, Principal
from fotofila.core.crypto import token_hash
from fotofila.core.errors import UnauthenticatedError

USE_NOTED_EVERY = timedelta(minutes=1)
SEEN_NOTED_EVERY = timedelta(hours=1)


def unauthenticated(message: str) -> UnauthenticatedError:
    """Make the error, with the challenge that a 401 must carry (RFC 9110, section 15.5.2)."""
    return UnauthenticatedError(message, headers={"WWW-Authenticate": 'Bearer realm="fotofila"'})


async def authenticate(context: Context, headers: Mapping[str, str], cookies: Mapping[str, str]) -> Principal:
    """Return who is asking; a key in a header goes before the cookie.

    Raises:
        UnauthenticatedError: there are no credentials, or they are unknown, revoked or expired.
    """
    if (key := presented_key(headers)) is not None:
        return await _by_key(context, key)
    if token := cookies.get(SESSION_COOKIE):
        return await _by_session(context, token)
    raise unauthenticated("Sign in, or send an API key: `Authorization: Bearer ff_…`.")


def presented_key(headers: Mapping[str, str]) -> str | None:
    """Return what a header gives as the key; empty where the header is there but holds no key."""
    if (authorization := headers.get("authorization")) is not None:
        scheme, _, key = authorization.partition(" ")
        return key.strip() if scheme.lower() == "bearer" else ""
    return headers.get("x-api-key")


async def _by_key(context: Context, key: str) -> Principal:
    now, hashed, generation = context.clock.now(), token_hash(key), PRINCIPALS.generation
    if (known := PRINCIPALS.get(hashed, now)) is not None:
        return known
    prefix = parse_key(key)
    if prefix is None:
        raise unauthenticated("That is no API key: it begins with ff_ and has 55 characters.")
    async with context.db.read() as session:
        row = await _find_key(session, prefix)
    if row is None or not hmac.compare_digest(row[0].key_hash, hashed):
        raise unauthenticated("The API key is not known: make one with `fotofila keys create`.")
    api_key, workspace = row
    if api_key.expires_at is not None and api_key.expires_at <= now:
        raise unauthenticated("The API key has expired: make one with `fotofila keys create`.")
    if api_key.last_used_at is None or now - api_key.last_used_at >= USE_NOTED_EVERY:
        async with context.db.write() as session:
            await session.execute(update(ApiKey).where(ApiKey.id == api_key.id).values(last_used_at=now))
    principal = Principal(
        owner=workspace.id,
        scopes=frozenset(api_key.scopes),
        key_id=api_key.id,
        quota_photos=workspace.quota_photos,
        quota_bytes=workspace.quota_bytes,
    )
    PRINCIPALS.put(hashed, principal, generation=generation, until=_until(now, api_key.expires_at))
    return principal


async def _find_key(session: AsyncSession, prefix: str) -> tuple[ApiKey, Workspace] | None:
    query = select(ApiKey, Workspace).join(Workspace, Workspace.id == ApiKey.owner).where(ApiKey.prefix == prefix)
    row = (await session.execute(query)).one_or_none()
    return None if row is None else (row[0], row[1])


async def _by_session(context: Context, token: str) -> Principal:
    now, hashed, generation = context.clock.now(), token_hash(token), PRINCIPALS.generation
    if (known := PRINCIPALS.get(hashed, now)) is not None:
        return known
    query = (
        select(UserSession, User, Workspace)
        .join(User, User.id == UserSession.user_id)
        .join(Workspace, Workspace.id == User.owner)
        .where(UserSession.token_hash == hashed, UserSession.expires_at > now)
    )
    async with context.db.read() as session:
        row = (await session.execute(query)).one_or_none()
    if row is None:
        raise unauthenticated("The session has ended: sign in again.")
    user_session, user, workspace = row
    if now - user_session.seen_at >= SEEN_NOTED_EVERY:
        end = session_end(created_at=user_session.created_at, now=now)
        async with context.db.write() as session:
            await session.execute(
                update(UserSession).where(UserSession.token_hash == hashed).values(seen_at=now, expires_at=end)
            )
    principal = Principal(
        owner=workspace.id,
        scopes=frozenset(ROLE_SCOPES[user.role]),
        user_id=user.id,
        by_cookie=True,
        quota_photos=workspace.quota_photos,
        quota_bytes=workspace.quota_bytes,
    )
    PRINCIPALS.put(hashed, principal, generation=generation, until=_until(now, user_session.expires_at))
    return principal


def _until(now: datetime, expires_at: datetime | None) -> datetime:
    return min(now + KEPT_FOR, expires_at) if expires_at is not None else now + KEPT_FOR
