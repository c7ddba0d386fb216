"""Routes of targets."""

from __future__ import annotations

from fastapi import APIRouter

from fotofila.api.deps import Admin, ContextDep, ReadSession, WriteSession
from fotofila.api.paging import Page
from fotofila.notify import targets
from fotofila.notify.models import Notification, Target
from fotofila.notify.schemas import Delivery, TargetChange, TargetCreate, TargetOut, TargetWithSecret

router = APIRouter()


def with_secret(target: Target, secret: str | None) -> TargetWithSecret:
    """Show a target with the secret that was made just now."""
    shown = TargetWithSecret.model_validate(target)
    return shown.model_copy(update={"secret": secret})


@router.get("/targets", response_model=Page[TargetOut])
async def list_targets(principal: Admin, session: ReadSession) -> dict[str, list[Target]]:
    """List the targets: all of them, since there are few."""
    return {"items": await targets.list_targets(session, principal.owner)}


@router.post(
    "/targets",
    status_code=201,
    response_model=TargetWithSecret,
    responses={422: {"description": "The URL cannot be used, or there are too many targets."}},
)
async def create_target(body: TargetCreate, principal: Admin, context: ContextDep) -> TargetWithSecret:
    """Add a target. A webhook's answer has the signing secret, which is shown this once."""
    address = await targets.check_url(body.kind, body.url, context.settings)
    async with context.db.write() as session:
        target, secret = await targets.create_target(
            session,
            context.secret_keys,
            owner=principal.owner,
            name=body.name,
            kind=body.kind,
            address=address,
            enabled=body.enabled,
            now=context.clock.now(),
        )
        return with_secret(target, secret)


@router.patch(
    "/targets/{target_id}",
    response_model=TargetWithSecret,
    responses={404: {"description": "No such target."}, 422: {"description": "A value cannot be used."}},
)
async def change_target(target_id: str, body: TargetChange, principal: Admin, context: ContextDep) -> TargetWithSecret:
    """Change a target, or give it a new signing secret: the old one signs as well for 24 hours."""
    async with context.db.read() as session:
        kind = (await targets.get_target(session, principal.owner, target_id)).kind
    change = targets.Change(
        name=body.name,
        address=await targets.check_url(kind, body.url, context.settings) if body.url is not None else None,
        enabled=body.enabled,
        rotate_secret=body.rotate_secret,
    )
    now = context.clock.now()
    async with context.db.write() as session:
        target = await targets.get_target(session, principal.owner, target_id)
        secret = await targets.change_target(session, context.secret_keys, target, change, now=now)
        return with_secret(target, secret)


@router.delete("/targets/{target_id}", status_code=204, responses={404: {"description": "No such target."}})
async def delete_target(target_id: str, principal: Admin, session: WriteSession) -> None:
    """Forget a target, with its rules and its deliveries."""
    await targets.delete_target(session, await targets.get_target(session, principal.owner, target_id))


@router.post(
    "/targets/{target_id}/test",
    status_code=202,
    response_model=Delivery,
    responses={404: {"description": "No such target."}, 409: {"description": "The target is switched off."}},
)
async def test_target(target_id: str, principal: Admin, session: WriteSession, context: ContextDep) -> Notification:
    """Have a message of the type `test` sent, once; the delivery log shows what became of it."""
    target = await targets.get_target(session, principal.owner, target_id)
    return await targets.try_target(session, target, now=context.clock.now())
