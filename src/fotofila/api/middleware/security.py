"""Headers that tell browsers what our pages may do."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' blob: data:{pictures}; object-src 'none'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'self'"
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), gyroscope=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
NO_STORE = (b"cache-control", b"no-store")
"""What belongs to a workspace stays in no cache, unless its route knows better."""


class SecurityHeadersMiddleware:
    """Adds them to every answer that has not set its own; pictures may come from the storage's origin too."""

    def __init__(self, app: ASGIApp, *, picture_origin: str = "") -> None:
        self.app = app
        pictures = f" {picture_origin}" if picture_origin else ""
        headers = {"Content-Security-Policy": CONTENT_SECURITY_POLICY.format(pictures=pictures), **HEADERS}
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        self._headers_of_api = [*self._headers, NO_STORE]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name for name, _ in message["headers"]}
                ours = self._headers_of_api if scope["path"].startswith("/api/") else self._headers
                message["headers"] = [*message["headers"], *[header for header in ours if header[0] not in own]]
            await send(message)

        await self.app(scope, receive, add)
