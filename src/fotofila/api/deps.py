"""What a route may ask for.

A session is one transaction: it is committed when the route returns and before the answer leaves (`scope="function"`),
so a client that was told `202` can rely on it. Every dependency is async: FastAPI would run a plain one
in a thread.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, cast

from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, APIKeyHeader, HTTPBearer
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.api.cookie import SESSION_COOKIE
from fotofila.api.limits import RateLimits
from fotofila.api.request_info import client_network, request_info
from fotofila.core.capability import Context, Principal
from fotofila.core.errors import ForbiddenError

EDITS = "photos:write"
"""The scope of an editor."""


async def get_context(request: Request) -> Context:
    """Return the parts of this process."""
    return cast("Context", request.app.state.context)


ContextDep = Annotated[Context, Depends(get_context)]


async def read_session(context: ContextDep) -> AsyncIterator[AsyncSession]:
    """Open a transaction that only reads."""
    async with context.db.read() as session:
        yield session


async def write_session(context: ContextDep) -> AsyncIterator[AsyncSession]:
    """Open a transaction that may write."""
    async with context.db.write() as session:
        yield session


ReadSession = Annotated[AsyncSession, Depends(read_session, scope="function")]
WriteSession = Annotated[AsyncSession, Depends(write_session, scope="function")]


async def get_principal(request: Request, context: ContextDep) -> Principal:
    """Say who is asking; raises UnauthenticatedError. The authenticator opens and closes a session of its own."""
    info = request_info(request.scope)
    if info.refusal is not None:
        raise info.refusal
    if info.principal is None:
        info.principal = await context.authenticate(context, request.headers, request.cookies)
    return info.principal


PrincipalDep = Annotated[Principal, Depends(get_principal)]


def require(scope: str) -> Callable[..., Awaitable[Principal]]:
    """Make a dependency that lets only principals with a scope pass, and hands the principal on."""

    async def check(principal: PrincipalDep) -> Principal:
        return demand(principal, scope)

    return check


def demand(principal: Principal, scope: str) -> Principal:
    """Return a principal that has a scope; raises ForbiddenError for any other."""
    if scope not in principal.scopes:
        raise ForbiddenError(f"This needs the scope {scope!r}: use a key or a role that has it.", scope=scope)
    return principal


SECURITY = (
    Depends(HTTPBearer(auto_error=False, description="An API key, `ff_…`.")),
    Depends(APIKeyHeader(name="X-API-Key", auto_error=False)),
    Depends(APIKeyCookie(name=SESSION_COOKIE, auto_error=False)),
)
"""For the OpenAPI document; the check itself is `get_principal`."""

Reader = Annotated[Principal, Depends(require("photos:read"))]
Editor = Annotated[Principal, Depends(require(EDITS))]
FailureDesk = Annotated[Principal, Depends(require("failures"))]
Admin = Annotated[Principal, Depends(require("admin"))]


async def get_limits(request: Request) -> RateLimits:
    """Return the rate limits of this process."""
    return cast("RateLimits", request.app.state.limits)


async def get_client(request: Request) -> str:
    """Return what the client's address is counted by."""
    return client_network(request.scope)


LimitsDep = Annotated[RateLimits, Depends(get_limits)]
ClientDep = Annotated[str, Depends(get_client)]


async def stream_body(request: Request) -> None:
    """Lift the cap on the body: the route reads `request.stream()` and counts for itself."""
    request_info(request.scope).body_cap_bytes = None


LargeBody = Depends(stream_body)
"""For `dependencies=[LargeBody]` of a route without body parameters (FastAPI reads those before any dependency)."""
