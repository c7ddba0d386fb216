"""Who is asking, and whether they have asked too often."""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from fotofila.api.cookie import SESSION_COOKIE
from fotofila.api.limits import Quota, RateLimits
from fotofila.api.request_info import client_network, request_info
from fotofila.core.capability import Context
from fotofila.core.errors import UnauthenticatedError


class RateLimitMiddleware:
    """Counts a request by its key or user, and by its address where it has neither or they are not known.

    Guessing at keys is therefore counted by address, and nobody can use up the requests of another's key.
    """

    def __init__(self, app: ASGIApp, *, context: Context, limits: RateLimits) -> None:
        self.app = app
        self._context = context
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is within the limit.

        Raises:
            RateLimitedError: it is not.
        """
        if scope["type"] == "http" and scope["path"].startswith("/api/"):
            quota = await self._count(Request(scope))
            quota.demand()
            request_info(scope).headers.update(quota.headers)
        await self.app(scope, receive, send)

    async def _count(self, request: Request) -> Quota:
        info = request_info(request.scope)
        headers = request.headers
        if "authorization" in headers or "x-api-key" in headers or SESSION_COOKIE in request.cookies:
            try:
                info.principal = await self._context.authenticate(self._context, headers, request.cookies)
            except UnauthenticatedError as error:
                info.refusal = error
            else:
                return await self._limits.take(info.principal.id)
        return await self._limits.take(client_network(request.scope))
