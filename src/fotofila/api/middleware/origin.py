"""The Origin check: a cookie alone never moves anything (OWASP, Cross-Site Request Forgery Prevention)."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from fotofila.api.cookie import SESSION_COOKIE
from fotofila.api.request_info import header
from fotofila.core.errors import ForbiddenError

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class ForeignOriginError(ForbiddenError):
    """Another site's page sent this."""

    code = "foreign_origin"
    title = "The request comes from another site"


def origin_of(url: str) -> str:
    """Return scheme and authority of a URL, lower case, the way browsers write an Origin."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


class OriginMiddleware:
    """Asks unsafe requests that lean on the cookie, or come from a page, where they come from.

    A request with a key is let through: no browser sends a key by itself. So is one with neither cookie nor Origin
    (a program that signs in); with a foreign Origin it is refused, since it would sign a visitor in as somebody else.
    """

    def __init__(self, app: ASGIApp, *, public_url: str) -> None:
        self.app = app
        self._public_origin = origin_of(public_url)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what may pass.

        Raises:
            ForeignOriginError: the Origin is missing or not ours.
        """
        if scope["type"] == "http" and scope["method"] not in SAFE_METHODS:
            self._check(scope)
        await self.app(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        if header(scope, b"authorization") is not None or header(scope, b"x-api-key") is not None:
            return
        origin = header(scope, b"origin")
        if origin is None and SESSION_COOKIE not in Request(scope).cookies:
            return
        own = f"{scope.get('scheme', 'http')}://{header(scope, b'host') or ''}".lower()
        if (origin or "").lower() not in {own, self._public_origin}:
            message = (
                f"A session needs the header Origin: {own}. Behind a proxy, set FOTOFILA_PUBLIC_URL; "
                "programs use an API key."
            )
            raise ForeignOriginError(message)
