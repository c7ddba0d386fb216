"""Signing in: password or one-time link, then a cookie session."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.access.audit import Actor, record
from fotofila.access.cache import forget_on_commit
from fotofila.access.models import SignInLink, User, UserSession, Workspace
from fotofila.access.passwords import hash_password, is_outdated, verify_password
from fotofila.access.users import normal_username
from fotofila.core.capability import Context
from fotofila.core.crypto import new_token, token_hash
from fotofila.core.errors import InvalidInputError, NotFoundError, UnauthenticatedError

SLIDING = timedelta(days=30)
"""A session ends so long after it was last used,"""
AT_MOST = timedelta(days=90)
"""and so long after it was begun at the latest."""
NOBODY = ""
"""Whom an audit entry belongs to that is of no workspace: the command line alone shows it."""
LINK_LIFETIME = timedelta(minutes=15)
FIRST_LINK_LIFETIME = timedelta(hours=24)
"""Of the link that the first start prints: it may scroll by unseen."""


class WrongCredentialsError(UnauthenticatedError):
    """User name and password do not fit; which of them is not told."""

    code = "wrong_credentials"
    title = "That did not fit"


class LinkUsedError(UnauthenticatedError):
    """The link was used, has expired, or never was one."""

    code = "link_used"
    title = "The link lets nobody in any more"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """Who signed in; `token` goes into the cookie and is seen here only."""

    token: str
    user: User
    workspace: Workspace


def session_end(*, created_at: datetime, now: datetime) -> datetime:
    """Return when a session that is used now ends."""
    return min(now + SLIDING, created_at + AT_MOST)


async def sign_in(context: Context, *, username: str, password: str) -> SignedIn:
    """Begin a session; no transaction is open while the password is checked.

    Raises:
        WrongCredentialsError: they do not fit.
    """
    try:
        name = normal_username(username)
    except InvalidInputError:
        name = ""
    async with context.db.read() as session:
        user = await session.scalar(select(User).where(User.username == name))
    if not await verify_password(password, user.password_hash if user else None) or user is None:
        await note_refusal(context, user)
        raise WrongCredentialsError("User name or password do not fit: `fotofila users set-password` sets a new one.")
    newer = await hash_password(password) if is_outdated(user.password_hash or "") else None
    async with context.db.write() as session:
        if newer is not None:
            await session.execute(update(User).where(User.id == user.id).values(password_hash=newer))
        return await begin_session(session, user_id=user.id, now=context.clock.now())


async def note_refusal(context: Context, user: User | None) -> None:
    """Tell the audit log of a wrong password; the rate limit keeps those few.

    What was typed is told nowhere: people type passwords into the field for names. Of a name that nobody has the
    entry belongs to no workspace; it is made all the same, so that the answer takes as long.
    """
    owner, subject = (user.owner, user.id) if user is not None else (NOBODY, None)
    actor, now = Actor(kind="user"), context.clock.now()
    async with context.db.write() as session:
        await record(session, owner=owner, actor=actor, action="session.refuse", subject=subject, detail={}, now=now)


async def use_link(context: Context, *, token: str) -> SignedIn:
    """Begin a session and use the link up.

    Raises:
        LinkUsedError: it lets nobody in.
    """
    now = context.clock.now()
    use = (
        delete(SignInLink)
        .where(SignInLink.token_hash == token_hash(token), SignInLink.expires_at > now)
        .returning(SignInLink.user_id)
    )
    async with context.db.write() as session:
        if (user_id := await session.scalar(use)) is None:
            message = "The link was used or has expired: `fotofila users link` makes a new one."
            raise LinkUsedError(message)
        return await begin_session(session, user_id=user_id, now=now)


async def begin_session(session: AsyncSession, *, user_id: str, now: datetime) -> SignedIn:
    """Add a session of a user.

    Raises:
        WrongCredentialsError: the user was removed meanwhile.
    """
    query = select(User, Workspace).join(Workspace, Workspace.id == User.owner).where(User.id == user_id)
    row = (await session.execute(query)).one_or_none()
    if row is None:
        raise WrongCredentialsError("The user was removed.")
    user, workspace = row
    token = new_token()
    session.add(
        UserSession(
            token_hash=token_hash(token),
            user_id=user.id,
            created_at=now,
            seen_at=now,
            expires_at=session_end(created_at=now, now=now),
        )
    )
    user.last_login_at = now
    actor = Actor(kind="user", id=user.id)
    await record(session, owner=workspace.id, actor=actor, action="session.create", subject=user.id, detail={}, now=now)
    return SignedIn(token=token, user=user, workspace=workspace)


async def sign_out(session: AsyncSession, *, token: str) -> None:
    """End a session; one that is not there has ended already."""
    await session.execute(delete(UserSession).where(UserSession.token_hash == token_hash(token)))
    forget_on_commit(session)


async def make_sign_in_link(
    session: AsyncSession,
    *,
    username: str,
    base_url: str,
    now: datetime,
    lifetime: timedelta = LINK_LIFETIME,
) -> str:
    """Return a link that signs a user in, once.

    Raises:
        NotFoundError: there is no such user.
    """
    user = await session.scalar(select(User).where(User.username == normal_username(username)))
    if user is None:
        raise NotFoundError(f"There is no user {username!r}: `fotofila users list` shows them.")
    token = new_token()
    session.add(SignInLink(token_hash=token_hash(token), user_id=user.id, expires_at=now + lifetime))
    await session.flush()
    return f"{base_url.rstrip('/')}/#/signin?token={token}"


async def sweep(context: Context) -> int:
    """Remove sessions and links that have ended; return how many."""
    now = context.clock.now()
    async with context.db.write() as session:
        swept = [
            await session.execute(delete(table).where(table.expires_at <= now)) for table in (UserSession, SignInLink)
        ]
    return sum(cast("CursorResult[Any]", result).rowcount for result in swept)
