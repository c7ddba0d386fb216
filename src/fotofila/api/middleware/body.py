"""What becomes of a body: a cap for what is read whole, and an end for what nobody reads."""

from __future__ import annotations

import asyncio
import contextlib

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fotofila.api.request_info import header, request_info

LINGER_BYTES = 64 * 1024 * 1024
LINGER_SECONDS = 5.0


def too_large(cap_bytes: int) -> HTTPException:
    """Make the error; an HTTPException, because FastAPI turns any other one that rises from a body into a 400."""
    return HTTPException(413, f"The body is larger than {cap_bytes} bytes: send less at once.")


class BodyMiddleware:
    """Counts what a route reads, and ends what it leaves.

    A route that streams lifts the cap with `LargeBody` and counts for itself. When an answer begins before a chunked
    body has ended, what follows is read for a while, so that a client which first writes and then reads gets its
    answer; then the connection is closed, because a body without a length may never end.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = Body(scope, receive)

        async def end_first(message: Message) -> None:
            if message["type"] == "http.response.start" and not await body.linger():
                MutableHeaders(scope=message)["Connection"] = "close"
            await send(message)

        await self.app(scope, body.read, end_first)


class Body:
    """The body of one request, as it is read."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        length = header(scope, b"content-length") or ""
        self._declared = int(length) if length.isdecimal() else 0
        self._ended = "chunked" not in (header(scope, b"transfer-encoding") or "")
        self._info = request_info(scope)
        self._receive = receive
        self._seen = 0

    async def read(self) -> Message:
        """Give the next message to the route."""
        self._check(self._declared)
        message = await self._next()
        self._check(self._seen)
        return message

    async def linger(self) -> bool:
        """Read on where nobody will; False where there is no end in sight."""
        if self._ended:
            return True
        end = self._seen + LINGER_BYTES
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                while not self._ended and self._seen < end:
                    await self._next()
        return self._ended

    async def _next(self) -> Message:
        message = await self._receive()
        self._seen += len(message.get("body", b""))
        self._ended = self._ended or not message.get("more_body", False)
        return message

    def _check(self, size: int) -> None:
        cap = self._info.body_cap_bytes
        if cap is not None and size > cap:
            raise too_large(cap)
