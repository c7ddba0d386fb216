"""X-Forwarded-*: believed only from the proxies that the operator named."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send

from fotofila.core.config import SettingsError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def parse_networks(proxies: Sequence[str]) -> tuple[Network, ...]:
    """Read addresses and networks.

    Raises:
        SettingsError: one is neither.
    """
    try:
        return tuple(ip_network(proxy, strict=False) for proxy in proxies)
    except ValueError as error:
        message = f"FOTOFILA_TRUSTED_PROXIES: {error}; give addresses or networks, as in `10.0.0.0/8,127.0.0.1`."
        raise SettingsError(message) from error


def parse_address(text: str) -> Address | None:
    """Read an address as proxies write it (`192.0.2.1`, `192.0.2.1:80`, `[2001:db8::1]:80`); None for anything else."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


class ProxyMiddleware:
    """Puts the client, scheme and host that trusted proxies report in place of the proxy's own."""

    def __init__(self, app: ASGIApp, *, trusted: Sequence[Network]) -> None:
        self.app = app
        self._trusted = trusted

    def _is_trusted(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self._trusted)

    def _client(self, forwarded_for: Sequence[str]) -> Address | None:
        """Return the last address that is no trusted proxy: what stands before it is hearsay."""
        hops = [parse_address(hop) for value in forwarded_for for hop in value.split(",")]
        return next((hop for hop in reversed(hops) if not self._is_trusted(hop)), hops[0] if hops else None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Rewrite the scope where the peer is trusted."""
        peer = (scope.get("client") or ("", 0))[0]
        if scope["type"] == "http" and self._trusted and self._is_trusted(parse_address(peer)):
            headers = MutableHeaders(scope=scope)
            if client := self._client(headers.getlist("x-forwarded-for")):
                scope["client"] = (str(client), 0)
            proto = headers.get("x-forwarded-proto", "").split(",")[-1].strip().lower()
            if proto in {"http", "https"}:
                scope["scheme"] = proto
            if host := headers.get("x-forwarded-host", "").split(",")[-1].strip():
                headers["host"] = host
        await self.app(scope, receive, send)
