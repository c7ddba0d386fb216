"""How far credentials reach."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from fotofila.core.capability import Principal
from fotofila.core.errors import ForbiddenError

Scope = Literal["photos:read", "photos:write", "failures", "admin"]
Role = Literal["viewer", "editor", "owner"]

SCOPES: tuple[Scope, ...] = ("photos:read", "photos:write", "failures", "admin")
ROLE_SCOPES: dict[str, frozenset[Scope]] = {
    "viewer": frozenset({"photos:read"}),
    "editor": frozenset({"photos:read", "photos:write", "failures"}),
    "owner": frozenset(SCOPES),
}


def in_order(scopes: Iterable[str]) -> list[Scope]:
    """Return the scopes that we know, each once, in their order."""
    given = set(scopes)
    return [scope for scope in SCOPES if scope in given]


def demand_reach(principal: Principal, scopes: Iterable[str]) -> None:
    """Let nobody hand out, or take over, what they do not have.

    Raises:
        ForbiddenError: the scopes go beyond the principal's.
    """
    if beyond := [scope for scope in in_order(scopes) if scope not in principal.scopes]:
        message = f"These credentials lack {', '.join(beyond)}: only who has a scope can give it away."
        raise ForbiddenError(message)
