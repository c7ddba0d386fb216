"""One request, one id, one span, one log line, one count."""

from __future__ import annotations

import re
from time import perf_counter

import structlog
from opentelemetry.trace import Span
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fotofila.api.middleware.hosts import PROBES
from fotofila.api.request_info import SCOPE_KEY, RequestInfo, client_address
from fotofila.core.observability.logs import get_logger
from fotofila.core.observability.metrics import HTTP_REQUESTS, HTTP_SECONDS
from fotofila.core.observability.traces import span

log = get_logger("fotofila.http")

CLIENT_GONE = 499
"""What nginx logs when the client left before an answer."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


def route_template(scope: Scope) -> str:
    """Return the route's template, so that ids make no new time series; `other` for what no route took."""
    return str(getattr(scope.get("route"), "path", "other"))


class ObserveMiddleware:
    """Gives the request its id and tells of it when it has ended."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the request inside a span that continues the caller's trace."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        info = RequestInfo(request_id=given) if _REQUEST_ID.fullmatch(given) else RequestInfo()
        scope[SCOPE_KEY] = info
        method = scope["method"] if scope["method"] in METHODS else "OTHER"
        with (
            structlog.contextvars.bound_contextvars(request_id=info.request_id),
            span(method, headers.get("traceparent"), **{"http.request.method": method}) as current,
        ):
            await Exchange(scope=scope, info=info, method=method, span=current).run(self.app, receive, send)


class Exchange:
    """One request and its answer, as seen from outside."""

    def __init__(self, *, scope: Scope, info: RequestInfo, method: str, span: Span) -> None:
        self._scope = scope
        self._info = info
        self._method = method
        self._span = span
        self._begun = perf_counter()
        self._first_byte_seconds: float | None = None
        self._status = CLIENT_GONE

    async def run(self, app: ASGIApp, receive: Receive, send: Send) -> None:
        """Run it; told of even when it raises."""

        async def watch(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._first_byte_seconds = perf_counter() - self._begun
                self._status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = self._info.request_id
                for name, value in self._info.headers.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await app(self._scope, receive, watch)
        finally:
            self._tell()

    def _tell(self) -> None:
        seconds = perf_counter() - self._begun
        route = route_template(self._scope)
        HTTP_REQUESTS.labels(self._method, route, self._status).inc()
        # To the first byte: an SSE stream that lives for an hour was still answered at once.
        HTTP_SECONDS.labels(self._method, route).observe(self._first_byte_seconds or seconds)
        self._span.update_name(f"{self._method} {route}")
        self._span.set_attributes({"http.route": route, "http.response.status_code": self._status})
        principal = self._info.principal
        tell = log.debug if self._scope["path"] in PROBES else log.info
        tell(
            "http.request",
            method=self._method,
            route=route,
            path=self._scope["path"],
            status=self._status,
            seconds=round(seconds, 4),
            client=client_address(self._scope),
            principal=principal.id if principal else None,
        )
