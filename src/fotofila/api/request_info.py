"""What middleware and dependencies know of one request; it travels in the ASGI scope."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from typing import cast

from starlette.types import Scope

from fotofila.core.capability import Principal
from fotofila.core.errors import UnauthenticatedError
from fotofila.core.ids import new_id

SCOPE_KEY = "fotofila.request"
JSON_BODY_BYTES = 1024 * 1024
"""Most bytes of a body that a route has not asked to stream."""


@dataclass(slots=True, kw_only=True)
class RequestInfo:
    """Mutable, because each layer adds what it found out."""

    request_id: str = field(default_factory=new_id)
    body_cap_bytes: int | None = JSON_BODY_BYTES
    """None once the route streams the body and counts for itself: see `LargeBody`."""
    principal: Principal | None = None
    refusal: UnauthenticatedError | None = None
    """Why credentials were refused, so that nobody has to look them up twice in one request."""
    headers: dict[str, str] = field(default_factory=dict)
    """Headers that every answer to this request carries."""


def request_info(scope: Scope) -> RequestInfo:
    """Return the request's info, making it where no middleware did."""
    if SCOPE_KEY not in scope:
        scope[SCOPE_KEY] = RequestInfo()
    return cast("RequestInfo", scope[SCOPE_KEY])


def header(scope: Scope, name: bytes) -> str | None:
    """Return the first header of a name, given in lower case; for layers that look at one or two of them."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value, "latin-1")
    return None


def client_address(scope: Scope) -> str:
    """Return the client's address, trusted proxies taken into account; `unknown` on a Unix socket."""
    client = scope.get("client")
    return str(client[0]) if client else "unknown"


def client_network(scope: Scope) -> str:
    """Return what an address is counted by: itself, or its /64 in IPv6, where one household has 2^64 of them."""
    address = client_address(scope)
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return f"{IPv6Address(int(parsed) >> 64 << 64)}/64"
    return address
