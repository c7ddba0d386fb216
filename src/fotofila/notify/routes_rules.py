"""Routes of rules."""

from __future__ import annotations

from fastapi import APIRouter

from fotofila.api.deps import Admin, ContextDep, ReadSession, WriteSession
from fotofila.api.paging import Page
from fotofila.notify import rules, targets
from fotofila.notify.models import Rule
from fotofila.notify.schemas import RuleChange, RuleCreate, RuleOut

router = APIRouter()


@router.get("/rules", response_model=Page[RuleOut])
async def list_rules(principal: Admin, session: ReadSession) -> dict[str, list[Rule]]:
    """List the rules: all of them, since there are few."""
    return {"items": await rules.list_rules(session, principal.owner)}


@router.post(
    "/rules",
    status_code=201,
    response_model=RuleOut,
    responses={
        404: {"description": "No such target."},
        409: {"description": "The target has a rule for this event."},
        422: {"description": "A value is not valid, or there are too many rules."},
    },
)
async def create_rule(body: RuleCreate, principal: Admin, session: WriteSession, context: ContextDep) -> Rule:
    """Have an event told to a target from now on."""
    return await rules.create_rule(
        session,
        await targets.get_target(session, principal.owner, body.target_id),
        event=body.event,
        quiet_seconds=body.quiet_seconds,
        enabled=body.enabled,
        now=context.clock.now(),
    )


@router.patch("/rules/{rule_id}", response_model=RuleOut, responses={404: {"description": "No such rule."}})
async def change_rule(rule_id: str, body: RuleChange, principal: Admin, session: WriteSession) -> Rule:
    """Change a rule."""
    rule = await rules.get_rule(session, principal.owner, rule_id)
    await rules.change_rule(session, rule, quiet_seconds=body.quiet_seconds, enabled=body.enabled)
    return rule


@router.delete("/rules/{rule_id}", status_code=204, responses={404: {"description": "No such rule."}})
async def delete_rule(rule_id: str, principal: Admin, session: WriteSession) -> None:
    """Forget a rule; what it brought about already is still sent."""
    await session.delete(await rules.get_rule(session, principal.owner, rule_id))
