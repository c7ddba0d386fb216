"""The workspace's settings."""

from __future__ import annotations

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.access import models, workspaces
from fotofila.access.schemas import Usage, Workspace, WorkspaceChange
from fotofila.api.deps import SECURITY, Admin, ContextDep, Reader, ReadSession, WriteSession

router = APIRouter(prefix="/api/workspace", tags=["workspace"], dependencies=[*SECURITY])


@router.get("", status_code=200)
async def get_workspace(principal: Reader, session: ReadSession) -> Workspace:
    """Show the settings, and what is used of the quota."""
    return await _show(session, await workspaces.get_workspace(session, principal.owner))


@router.patch("", status_code=200)
async def update_workspace(
    change: WorkspaceChange, principal: Admin, session: WriteSession, context: ContextDep
) -> Workspace:
    """Change settings; they hold for photos that come in from now on."""
    changes = change.model_dump(exclude_unset=True)
    now = context.clock.now()
    changed = await workspaces.change_workspace(session, principal.owner, changes, now=now, by=principal)
    return await _show(session, changed)


async def _show(session: AsyncSession, row: models.Workspace) -> Workspace:
    used = await workspaces.usage(session, row.id)
    columns = {name: getattr(row, name) for name in Workspace.model_fields if name != "usage"}
    return Workspace(**columns, usage=Usage.model_validate(used))
