"""Connections whose address is checked on the connection itself.

A name is looked up once, each address is checked, and the connection goes to an address that passed: a name server that
answers differently the next time (DNS rebinding) changes nothing. TLS still asks for, and verifies, the host's name.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import httpcore

from fotofila.notify.addresses import check_address, is_public

Resolver = Callable[[str, int], Awaitable[list[str]]]
"""Looks a host up: its addresses in order of preference; raises OSError when it has none."""

MOST_ADDRESSES = 4


async def resolve(host: str, port: int) -> list[str]:
    """Look a host up as the machine does."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def allowed(addresses: list[str], *, host: str, allow_private: bool) -> list[str]:
    """Return the addresses that may be connected to.

    Raises:
        AddressRefusedError: none of them may be.
    """
    if allow_private:
        return addresses[:MOST_ADDRESSES]
    public = [address for address in addresses if is_public(address)]
    if not public and addresses:
        check_address(addresses[0], host=host)
    return public[:MOST_ADDRESSES]


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Connects to public addresses only, unless told otherwise."""

    def __init__(
        self,
        *,
        allow_private: bool,
        resolver: Resolver = resolve,
        backend: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        self._allow_private = allow_private
        self._resolve = resolver
        self._backend = backend or httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Look up, check, connect to what was checked.

        Raises:
            AddressRefusedError: the host has no address that may be reached.
            httpcore.ConnectError: it has none at all, or none answers.
        """
        try:
            async with asyncio.timeout(timeout):
                found = await self._resolve(host, port)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout("looking up the host's address took too long") from error
        except (OSError, UnicodeError) as error:  # a label of a name may be too long for IDNA
            raise httpcore.ConnectError("the host has no address") from error
        failed: Exception = httpcore.ConnectError("the host has no address")
        for address in allowed(found, host=host, allow_private=self._allow_private):
            try:
                return await self._backend.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore's
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Refuse: no URL of ours names a socket."""
        del timeout, socket_options
        raise httpcore.ConnectError(f"a socket on this machine is no place for notifications: {path}")

    async def sleep(self, seconds: float) -> None:
        """Sleep between the attempts to connect."""
        await asyncio.sleep(seconds)
