"""Routes of the delivery log."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from fotofila.api.deps import Admin, ContextDep, ReadSession, WriteSession
from fotofila.api.paging import Cursor, Limit, Page, make_cursor, read_cursor
from fotofila.notify import deliveries, targets
from fotofila.notify.models import Notification
from fotofila.notify.schemas import Delivery

router = APIRouter()


@router.get(
    "/deliveries",
    response_model=Page[Delivery],
    responses={404: {"description": "No such target."}, 422: {"description": "The cursor is none of this list."}},
)
async def list_deliveries(
    principal: Admin,
    session: ReadSession,
    target_id: Annotated[str | None, Query(max_length=64, description="Of one target only.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Delivery]:
    """List what was sent, what waits and what failed, newest first."""
    if target_id is not None:
        await targets.get_target(session, principal.owner, target_id)
    before = str(read_cursor(cursor, str)[0]) if cursor else None
    found = await deliveries.list_deliveries(
        session, principal.owner, target_id=target_id, before_id=before, limit=limit + 1
    )
    more = make_cursor(found[limit - 1].id) if len(found) > limit else None
    return Page(items=[Delivery.model_validate(row) for row in found[:limit]], next_cursor=more)


@router.post(
    "/deliveries/{delivery_id}/redeliver",
    status_code=202,
    response_model=Delivery,
    responses={404: {"description": "No such delivery."}, 409: {"description": "It is being sent, or may not be."}},
)
async def redeliver(delivery_id: str, principal: Admin, session: WriteSession, context: ContextDep) -> Notification:
    """Send a delivery once more, under the same `webhook-id`."""
    return await deliveries.redeliver(session, principal.owner, delivery_id, now=context.clock.now())
