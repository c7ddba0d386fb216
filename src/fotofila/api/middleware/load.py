"""How much this process takes in at once: what is more is told to come back, before anything of it is read."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fotofila.core.errors import UnavailableError
from fotofila.core.observability.metrics import OVERLOADED, UPLOADS_UNDER_WAY

METHODS = frozenset({"POST", "PUT", "PATCH"})
RETRY_SECONDS = "2"


class OverloadedError(UnavailableError):
    """The process has its hands full."""

    code = "overloaded"
    title = "Too much at once"


class LoadMiddleware:
    """Counts the requests that bring something, until they are answered.

    One that then waits for a result (`?wait=`) counts until its body is read: waiting costs next to nothing.
    """

    def __init__(self, app: ASGIApp, *, most: int) -> None:
        self.app = app
        self._most = most
        self._under_way: set[int] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what there is room for.

        Raises:
            OverloadedError: there is none.
        """
        if scope["type"] != "http" or scope["method"] not in METHODS or not scope["path"].startswith("/api/"):
            await self.app(scope, receive, send)
            return
        if len(self._under_way) >= self._most:
            OVERLOADED.inc()
            message = (
                f"This server takes {self._most} uploads at once (FOTOFILA_MAX_UPLOADS): "
                f"try again in {RETRY_SECONDS} seconds, or send fewer at a time."
            )
            raise OverloadedError(message, headers={"Retry-After": RETRY_SECONDS})
        waits = b"wait=" in scope.get("query_string", b"")
        self._under_way.add(id(scope))
        UPLOADS_UNDER_WAY.inc()
        try:
            await self.app(scope, self._until_read(scope, receive) if waits else receive, send)
        finally:
            self._leave(scope)

    def _until_read(self, scope: Scope, receive: Receive) -> Receive:
        async def watch() -> Message:
            message = await receive()
            if not message.get("more_body", False):
                self._leave(scope)
            return message

        return watch

    def _leave(self, scope: Scope) -> None:
        if id(scope) in self._under_way:
            self._under_way.discard(id(scope))
            UPLOADS_UNDER_WAY.dec()
