"""The body cap: a JSON body is read whole, so it must be small."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fotofila.api.request_info import RequestInfo, request_info


def too_large(cap_bytes: int) -> HTTPException:
    """Make the error; an HTTPException, because FastAPI turns any other one that rises from a body into a 400."""
    return HTTPException(413, f"The body is larger than {cap_bytes} bytes: send less at once.")


class BodyCapMiddleware:
    """Counts what a route reads. A route that streams lifts the cap with `LargeBody` and counts for itself."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the request."""
        if scope["type"] == "http":
            receive = _capped(request_info(scope), _declared(scope), receive)
        await self.app(scope, receive, send)


def _declared(scope: Scope) -> int:
    length = Headers(scope=scope).get("content-length", "")
    return int(length) if length.isdecimal() else 0


def _capped(info: RequestInfo, declared: int, receive: Receive) -> Receive:
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        if info.body_cap_bytes is not None and declared > info.body_cap_bytes:
            raise too_large(info.body_cap_bytes)
        message = await receive()
        seen += len(message.get("body", b""))
        if info.body_cap_bytes is not None and seen > info.body_cap_bytes:
            raise too_large(info.body_cap_bytes)
        return message

    return counted
