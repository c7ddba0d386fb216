"""API keys."""

from __future__ import annotations

from datetime import timedelta

from fastapi import APIRouter

from fotofila.access import keys as service
from fotofila.access.schemas import Key, KeyNew, KeyShown, Rotation
from fotofila.api.deps import SECURITY, Admin, ContextDep, ReadSession, WriteSession
from fotofila.api.paging import Cursor, Limit, Page, make_cursor, read_cursor

router = APIRouter(prefix="/api/keys", tags=["keys"], dependencies=[*SECURITY])


@router.get("", status_code=200)
async def list_keys(principal: Admin, session: ReadSession, limit: Limit = 50, cursor: Cursor = None) -> Page[Key]:
    """List the workspace's API keys, newest first."""
    before = str(read_cursor(cursor, str)[0]) if cursor is not None else None
    rows = await service.list_keys(session, owner=principal.owner, limit=limit + 1, before=before)
    return Page(
        items=[Key.model_validate(row) for row in rows[:limit]],
        next_cursor=make_cursor(rows[limit - 1].id) if len(rows) > limit else None,
    )


@router.post("", status_code=201)
async def create_key(new: KeyNew, principal: Admin, session: WriteSession, context: ContextDep) -> KeyShown:
    """Make an API key; its scopes must be among your own. The key is shown this once."""
    made = await service.create_key(
        session,
        owner=principal.owner,
        name=new.name,
        scopes=new.scopes,
        now=context.clock.now(),
        expires_at=new.expires_at,
        by=principal,
    )
    return _shown(made)


@router.post("/{key_id}/rotate", status_code=201)
async def rotate_key(
    key_id: str, rotation: Rotation, principal: Admin, session: WriteSession, context: ContextDep
) -> KeyShown:
    """Replace a key by a new one; the old one works on for the overlap."""
    made = await service.rotate_key(
        session,
        owner=principal.owner,
        key_id=key_id,
        overlap=timedelta(seconds=rotation.overlap_seconds),
        now=context.clock.now(),
        by=principal,
    )
    return _shown(made)


@router.delete("/{key_id}", status_code=204)
async def revoke_key(key_id: str, principal: Admin, session: WriteSession, context: ContextDep) -> None:
    """End a key: at once here, within five seconds in every other process."""
    now = context.clock.now()
    await service.revoke_key(session, owner=principal.owner, key_id=key_id, now=now, by=principal)


def _shown(made: service.NewKey) -> KeyShown:
    return KeyShown(**Key.model_validate(made.row).model_dump(), key=made.secret)
