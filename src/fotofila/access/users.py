"""Users of a workspace."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.access.audit import actor_of, record
from fotofila.access.cache import forget_on_commit
from fotofila.access.models import User, UserSession, Workspace
from fotofila.access.passwords import MAX_LENGTH, MIN_LENGTH, hash_password
from fotofila.access.scopes import ROLE_SCOPES, Role, demand_reach
from fotofila.core.capability import Principal
from fotofila.core.db import insert_ignore
from fotofila.core.errors import ConflictError, InvalidInputError, NotFoundError
from fotofila.core.ids import is_id, new_id

_USERNAME = re.compile(r"[\w.@+-]{1,64}")


class LastOwnerError(ConflictError):
    """Without an owner nobody could let anybody in any more."""

    code = "last_owner"
    title = "A workspace needs an owner"


class UsernameTakenError(ConflictError):
    """Somebody has this name."""

    code = "username_taken"
    title = "The user name is taken"


def normal_username(username: str) -> str:
    """Return the name as it is kept: NFKC, lower case.

    Raises:
        InvalidInputError: it is empty, longer than 64 characters, or has others than letters, digits and `_.@+-`.
    """
    name = unicodedata.normalize("NFKC", username).casefold()
    if not _USERNAME.fullmatch(name):
        message = "A user name has 1 to 64 letters, digits or _ . @ + - characters."
        raise InvalidInputError(message)
    return name


async def checked_hash(password: str) -> str:
    """Hash a new password.

    Raises:
        InvalidInputError: it is too short or too long.
    """
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        message = f"A password has {MIN_LENGTH} to {MAX_LENGTH} characters."
        raise InvalidInputError(message)
    return await hash_password(password)


async def create_user(
    session: AsyncSession,
    *,
    owner: str,
    username: str,
    role: Role,
    now: datetime,
    password: str | None = None,
    by: Principal | None = None,
) -> User:
    """Add a user; without a password only a sign-in link lets them in.

    Hashing comes before the first statement, so no lock is held meanwhile.

    Raises:
        InvalidInputError: name or password are not valid.
        ForbiddenError: the role reaches farther than `by`.
        UsernameTakenError: somebody has the name, perhaps in another workspace.
    """
    if by is not None:
        demand_reach(by, ROLE_SCOPES[role])
    user_id = new_id()
    values = {
        "id": user_id,
        "owner": owner,
        "username": normal_username(username),
        "password_hash": await checked_hash(password) if password is not None else None,
        "role": role,
        "created_at": now,
    }
    made = await session.execute(insert_ignore(session, User).values(values))
    if cast("CursorResult[Any]", made).rowcount == 0:
        raise UsernameTakenError("Somebody has this user name: choose another.")
    detail = {"username": values["username"], "role": role}
    await record(
        session, owner=owner, actor=actor_of(by), action="user.create", subject=user_id, detail=detail, now=now
    )
    return await find_user(session, owner=owner, user_id=user_id)


async def list_users(
    session: AsyncSession, *, owner: str, limit: int = 200, after: str | None = None
) -> Sequence[User]:
    """Return users of a workspace, oldest first; `after` is the id of the last one seen."""
    query = select(User).where(User.owner == owner).order_by(User.id).limit(limit)
    if after is not None:
        query = query.where(User.id > after)
    return (await session.scalars(query)).all()


async def find_user(session: AsyncSession, *, owner: str, user_id: str) -> User:
    """Return one user.

    Raises:
        NotFoundError: the workspace has no such user.
    """
    query = select(User).where(User.id == user_id, User.owner == owner)
    user = await session.scalar(query) if is_id(user_id) else None
    if user is None:
        raise NotFoundError("There is no such user: GET /api/users lists them.")
    return user


async def change_user(
    session: AsyncSession,
    *,
    owner: str,
    user_id: str,
    now: datetime,
    role: Role | None = None,
    password: str | None = None,
    by: Principal | None = None,
) -> User:
    """Change a role or set a password; a new password ends every session of that user.

    Raises:
        NotFoundError: the workspace has no such user.
        InvalidInputError: the password is not valid.
        ForbiddenError: the user's role, old or new, reaches farther than `by`.
        LastOwnerError: the only owner would be one no more.
    """
    hashed = await checked_hash(password) if password is not None else None
    user = await find_user(session, owner=owner, user_id=user_id)
    if by is not None:
        demand_reach(by, ROLE_SCOPES[user.role] | (ROLE_SCOPES[role] if role else frozenset()))
    if role is not None and role != user.role:
        await demand_other_owner(session, user)
        user.role = role
    if hashed is not None:
        user.password_hash = hashed
        await session.execute(delete(UserSession).where(UserSession.user_id == user.id))
    await session.flush()
    detail = {"role": role, "password": hashed is not None}
    await record(
        session, owner=owner, actor=actor_of(by), action="user.change", subject=user.id, detail=detail, now=now
    )
    forget_on_commit(session)
    return user


async def delete_user(
    session: AsyncSession, *, owner: str, user_id: str, now: datetime, by: Principal | None = None
) -> None:
    """Remove a user with their sessions; keys belong to the workspace and stay.

    Raises:
        NotFoundError: the workspace has no such user.
        ForbiddenError: the user's role reaches farther than `by`.
        LastOwnerError: it is the only owner.
    """
    user = await find_user(session, owner=owner, user_id=user_id)
    if by is not None:
        demand_reach(by, ROLE_SCOPES[user.role])
    await demand_other_owner(session, user)
    await session.delete(user)
    detail = {"username": user.username, "role": user.role}
    await record(
        session, owner=owner, actor=actor_of(by), action="user.delete", subject=user.id, detail=detail, now=now
    )
    forget_on_commit(session)


async def demand_other_owner(session: AsyncSession, user: User) -> None:
    """Raise LastOwnerError where a user is the only owner; the workspace's row serialises two who ask at once."""
    if user.role != "owner":
        return
    await session.execute(select(Workspace.id).where(Workspace.id == user.owner).with_for_update())
    others = select(func.count()).where(User.owner == user.owner, User.role == "owner", User.id != user.id)
    if not await session.scalar(others):
        raise LastOwnerError("This is the only owner of the workspace: make another user an owner first.")
