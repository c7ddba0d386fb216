"""Redrive policies: failures of a code that start again by themselves."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from sqlalchemy import select

from fotofila.api.deps import SECURITY, Admin, FailureDesk, ReadSession, WriteSession
from fotofila.core.db import insert_ignore
from fotofila.core.errors import ConflictError, FotofilaError, NotFoundError
from fotofila.core.jobs.models import RedrivePolicy
from fotofila.library.failure_schemas import PolicyIn, PolicyOut

router = APIRouter(prefix="/api/redrive-policies", tags=["failures"], dependencies=[*SECURITY])

Code = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]{0,63}$", description="Code of the error.")]


def permanent_codes(root: type[FotofilaError] = FotofilaError) -> set[str]:
    """Return the codes of errors that trying again cannot mend."""
    codes = {root.code} if root.permanent else set()
    return codes.union(*(permanent_codes(child) for child in root.__subclasses__()))


@router.get("", operation_id="list_redrive_policies", summary="Redrive policies")
async def list_policies(session: ReadSession, principal: FailureDesk) -> list[PolicyOut]:
    """Return the workspace's policies."""
    query = select(RedrivePolicy).where(RedrivePolicy.owner == principal.owner).order_by(RedrivePolicy.code)
    return [PolicyOut.model_validate(policy) for policy in await session.scalars(query)]


@router.put("/{code}", operation_id="set_redrive_policy", summary="Set a policy")
async def set_policy(code: Code, body: PolicyIn, session: WriteSession, principal: Admin) -> PolicyOut:
    """Make or change the policy of a code; permanent ones take none."""
    if code in permanent_codes():
        raise ConflictError(f"Errors with the code {code} are permanent: a redrive by itself would fail the same way.")
    fresh = insert_ignore(session, RedrivePolicy).values(owner=principal.owner, code=code, **body.model_dump())
    await session.execute(fresh)
    policy = await session.get_one(RedrivePolicy, (principal.owner, code), with_for_update=True)
    policy.wait_seconds, policy.times, policy.enabled = body.wait_seconds, body.times, body.enabled
    return PolicyOut.model_validate(policy)


@router.delete("/{code}", status_code=204, operation_id="delete_redrive_policy", summary="Drop a policy")
async def delete_policy(code: Code, session: WriteSession, principal: Admin) -> None:
    """Remove the policy of a code."""
    policy = await session.get(RedrivePolicy, (principal.owner, code))
    if policy is None:
        raise NotFoundError("There is no policy for this code.")
    await session.delete(policy)
