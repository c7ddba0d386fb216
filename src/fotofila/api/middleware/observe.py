"""One request, one id, one span, one log line, one count."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from time import perf_counter

import structlog
from opentelemetry.trace import Span
from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fotofila.api.middleware.hosts import PROBES
from fotofila.api.request_info import SCOPE_KEY, RequestInfo, client_address, header
from fotofila.core.observability.logs import get_logger
from fotofila.core.observability.metrics import HTTP_REQUESTS, HTTP_SECONDS
from fotofila.core.observability.traces import span

log = get_logger("fotofila.http")

CLIENT_GONE = 499
"""What nginx logs when the client left before an answer."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
REQUEST_ID = b"x-request-id"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


def route_template(scope: Scope) -> str:
    """Return the route's template, so that ids make no new time series; `other` for what no route took."""
    return str(getattr(scope.get("route"), "path", "other"))


@cache
def meters(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """Return what counts and times such answers; there are as many as time series."""
    return HTTP_REQUESTS.labels(method, route, status), HTTP_SECONDS.labels(method, route)


class ObserveMiddleware:
    """Gives the request its id and tells of it when it has ended."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the request inside a span that continues the caller's trace."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = header(scope, REQUEST_ID)
        info = RequestInfo(request_id=given) if given and _REQUEST_ID.fullmatch(given) else RequestInfo()
        scope[SCOPE_KEY] = info
        method = scope["method"] if scope["method"] in METHODS else "OTHER"
        bound = structlog.contextvars.bind_contextvars(request_id=info.request_id)
        try:
            with span(method, header(scope, b"traceparent"), **{"http.request.method": method}) as current:
                await Exchange(scope=scope, info=info, method=method, span=current).run(self.app, receive, send)
        finally:
            structlog.contextvars.reset_contextvars(**bound)


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
                message["headers"] = self._with_ours(message["headers"])
            await send(message)

        try:
            await app(self._scope, receive, watch)
        finally:
            self._tell()

    def _with_ours(self, headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """Put the request's id in; what else every answer carries, only where it has none of its own."""
        whole = [each for each in headers if each[0] != REQUEST_ID]
        own = {name for name, _ in whole}
        more = ((name.lower().encode("latin-1"), value) for name, value in self._info.headers.items())
        whole += [(name, value.encode("latin-1")) for name, value in more if name not in own]
        whole.append((REQUEST_ID, self._info.request_id.encode("latin-1")))
        return whole

    def _tell(self) -> None:
        seconds = perf_counter() - self._begun
        route = route_template(self._scope)
        count, duration = meters(self._method, route, self._status)
        count.inc()
        # To the first byte: an SSE stream that lives for an hour was still answered at once.
        duration.observe(self._first_byte_seconds or seconds)
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
