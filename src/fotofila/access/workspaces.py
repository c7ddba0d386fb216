"""Workspaces: their settings, what they use, how long they keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import BigInteger, CursorResult, String, column, func, select, table
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.access.audit import actor_of, record
from fotofila.access.cache import forget_on_commit
from fotofila.access.models import User, Workspace
from fotofila.core.capability import Principal
from fotofila.core.db import insert_ignore
from fotofila.core.errors import NotFoundError
from fotofila.core.ids import Id, new_id

DEFAULT_WORKSPACE = Id("0" * 31 + "1")
"""Fixed, so that two processes that start at once make one workspace and not two."""
FIRST_USER = "admin"

# The table belongs to `library`, a sibling that we do not import: these two columns are all we read of it.
PHOTOS = table("photos", column("owner", String), column("size_bytes", BigInteger))


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a workspace has stored."""

    photos: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstStart:
    """The default workspace; `created` on the very first start only."""

    workspace: Workspace
    created: bool
    username: str = FIRST_USER


async def ensure_default_workspace(session: AsyncSession, *, now: datetime, detection: str) -> FirstStart:
    """Make the workspace `default` and its owner `admin`, who has no password yet, unless that was done before."""
    values = {
        "id": DEFAULT_WORKSPACE,
        "name": "default",
        "face_recognition": False,
        "age": True,
        "gender": True,
        "detection": detection,
        "created_at": now,
    }
    made = await session.execute(insert_ignore(session, Workspace).values(values))
    created = bool(cast("CursorResult[Any]", made).rowcount)
    if created:
        user = {"id": new_id(), "owner": DEFAULT_WORKSPACE, "username": FIRST_USER, "role": "owner", "created_at": now}
        await session.execute(insert_ignore(session, User).values(user))
    return FirstStart(workspace=await get_workspace(session, DEFAULT_WORKSPACE), created=created)


async def get_workspace(session: AsyncSession, owner: str) -> Workspace:
    """Return a workspace.

    Raises:
        NotFoundError: it is gone.
    """
    workspace = await session.get(Workspace, owner)
    if workspace is None:
        raise NotFoundError("The workspace is gone.")
    return workspace


async def change_workspace(
    session: AsyncSession, owner: str, changes: Mapping[str, Any], *, now: datetime, by: Principal | None = None
) -> Workspace:
    """Set columns of a workspace by name; the audit log tells of those that were otherwise before.

    Raises:
        NotFoundError: it is gone.
    """
    workspace = await get_workspace(session, owner)
    changed = {name: value for name, value in changes.items() if getattr(workspace, name) != value}
    for name, value in changed.items():
        setattr(workspace, name, value)
    await session.flush()
    if changed:
        action = "workspace.switch" if "face_recognition" in changed else "workspace.change"
        await record(session, owner=owner, actor=actor_of(by), action=action, subject=owner, detail=changed, now=now)
    forget_on_commit(session)
    return workspace


async def usage(session: AsyncSession, owner: str) -> Usage:
    """Count photos and their bytes."""
    query = select(func.count(), func.coalesce(func.sum(PHOTOS.c.size_bytes), 0)).where(PHOTOS.c.owner == owner)
    photos, size = (await session.execute(query.select_from(PHOTOS))).one()
    return Usage(photos=photos, bytes=int(size))


async def retention(session: AsyncSession) -> Mapping[str, timedelta]:
    """Return how long each workspace keeps its photos, where it does not keep them for ever."""
    query = select(Workspace.id, Workspace.retention_days).where(Workspace.retention_days.is_not(None))
    return {owner: timedelta(days=days) for owner, days in await session.execute(query) if days is not None}
