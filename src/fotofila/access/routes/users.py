"""Users of the workspace."""

from __future__ import annotations

from fastapi import APIRouter

from fotofila.access import users as service
from fotofila.access.schemas import User, UserChange, UserNew
from fotofila.api.deps import SECURITY, Admin, ContextDep, ReadSession, WriteSession
from fotofila.api.paging import Cursor, Limit, Page, make_cursor, read_cursor

router = APIRouter(prefix="/api/users", tags=["users"], dependencies=[*SECURITY])


@router.get("", status_code=200)
async def list_users(principal: Admin, session: ReadSession, limit: Limit = 50, cursor: Cursor = None) -> Page[User]:
    """List the workspace's users, oldest first."""
    after = str(read_cursor(cursor, str)[0]) if cursor is not None else None
    rows = await service.list_users(session, owner=principal.owner, limit=limit + 1, after=after)
    return Page(
        items=[User.model_validate(row) for row in rows[:limit]],
        next_cursor=make_cursor(rows[limit - 1].id) if len(rows) > limit else None,
    )


@router.post("", status_code=201)
async def create_user(new: UserNew, principal: Admin, session: WriteSession, context: ContextDep) -> User:
    """Add a user; the role must not reach farther than you do."""
    user = await service.create_user(
        session,
        owner=principal.owner,
        username=new.username,
        password=new.password,
        role=new.role,
        now=context.clock.now(),
        by=principal,
    )
    return User.model_validate(user)


@router.patch("/{user_id}", status_code=200)
async def update_user(
    user_id: str, change: UserChange, principal: Admin, session: WriteSession, context: ContextDep
) -> User:
    """Change a user's role or set a password."""
    user = await service.change_user(
        session,
        owner=principal.owner,
        user_id=user_id,
        now=context.clock.now(),
        role=change.role,
        password=change.password,
        by=principal,
    )
    return User.model_validate(user)


@router.delete("/{user_id}", status_code=204)
async def delete_user(user_id: str, principal: Admin, session: WriteSession, context: ContextDep) -> None:
    """Remove a user; the last owner stays."""
    now = context.clock.now()
    await service.delete_user(session, owner=principal.owner, user_id=user_id, now=now, by=principal)
