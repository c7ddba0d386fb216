"""Access keys in the form of AWS, for programs that speak Rekognition."""

from __future__ import annotations

from fastapi import APIRouter

from fotofila.access import aws_keys as service
from fotofila.access.schemas import AwsKey, AwsKeyShown, KeyNew
from fotofila.api.deps import SECURITY, Admin, ContextDep, ReadSession, WriteSession
from fotofila.api.paging import Cursor, Limit, Page, make_cursor, read_cursor

router = APIRouter(prefix="/api/aws-keys", tags=["keys"], dependencies=[*SECURITY])


@router.get("", status_code=200)
async def list_aws_keys(
    principal: Admin, session: ReadSession, limit: Limit = 50, cursor: Cursor = None
) -> Page[AwsKey]:
    """List the workspace's AWS access keys, newest first."""
    before = str(read_cursor(cursor, str)[0]) if cursor is not None else None
    rows = await service.list_aws_keys(session, owner=principal.owner, limit=limit + 1, before=before)
    return Page(
        items=[AwsKey.model_validate(row) for row in rows[:limit]],
        next_cursor=make_cursor(rows[limit - 1].id) if len(rows) > limit else None,
    )


@router.post("", status_code=201)
async def create_aws_key(new: KeyNew, principal: Admin, session: WriteSession, context: ContextDep) -> AwsKeyShown:
    """Make an AWS access key; its scopes must be among your own. The secret is shown this once."""
    made = await service.create_aws_key(
        session,
        keys=context.secret_keys,
        owner=principal.owner,
        name=new.name,
        scopes=new.scopes,
        now=context.clock.now(),
        expires_at=new.expires_at,
        by=principal,
    )
    return AwsKeyShown(**AwsKey.model_validate(made.row).model_dump(), secret_access_key=made.secret)


@router.delete("/{key_id}", status_code=204)
async def revoke_aws_key(key_id: str, principal: Admin, session: WriteSession, context: ContextDep) -> None:
    """End an access key: at once here, within five seconds in every other process."""
    now = context.clock.now()
    await service.revoke_aws_key(session, owner=principal.owner, key_id=key_id, now=now, by=principal)
