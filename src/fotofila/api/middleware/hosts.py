"""The Host allow-list: a page that rebinds its own name to our address gets no answer."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from fotofila.api.request_info import header
from fotofila.core.config import Settings
from fotofila.core.errors import BadRequestError

PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked by address, by machines that know no name; they tell nothing of anybody's photos."""
SIGNED = frozenset({"/rekognition", "/rekognition/"})
"""Answered under any name: requests there are signed for the name that they were sent to, and no page can sign."""
ANY_NAME = PROBES | SIGNED
LOOPBACK = ("localhost", "127.0.0.1", "::1")
WILDCARD_ADDRESSES = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - compared, never bound to


class HostNotAllowedError(BadRequestError):
    """The request was meant for another host name."""

    code = "host_not_allowed"
    title = "This host name is not answered"


def allowed_hosts(settings: Settings) -> frozenset[str]:
    """Return the names that are answered; `*` answers all, `*.example.org` any name below it."""
    if settings.allowed_hosts:
        return frozenset(name.lower().strip("[]") for name in settings.allowed_hosts)
    own = (urlsplit(settings.base_url).hostname or "", settings.host.lower())
    return frozenset((*LOOPBACK, *(name for name in own if name not in WILDCARD_ADDRESSES)))


@lru_cache(maxsize=64)
def host_name(authority: str) -> str:
    """Return the name in a Host header, without port and brackets; empty where there is none."""
    try:
        return urlsplit(f"//{authority}").hostname or ""
    except ValueError:
        return ""


class HostMiddleware:
    """Refuses requests for names that are not ours."""

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        self.app = app
        self._allowed = allowed_hosts(settings)

    def _is_allowed(self, name: str) -> bool:
        if name in self._allowed or "*" in self._allowed:
            return True
        return any(f"*.{name.split('.', depth)[-1]}" in self._allowed for depth in range(1, name.count(".") + 1))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is meant for us.

        Raises:
            HostNotAllowedError: it is not.
        """
        if scope["type"] == "http" and scope["path"] not in ANY_NAME:
            name = host_name(header(scope, b"host") or "")
            if not self._is_allowed(name):
                message = f"The host name {name!r} is not answered here: add it to FOTOFILA_ALLOWED_HOSTS."
                raise HostNotAllowedError(message)
        await self.app(scope, receive, send)
