"""The address is checked on the connection itself."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import httpcore
import pytest
from notify_parts import Receiver, receiving

from fotofila.notify.errors import SendError
from fotofila.notify.network import CheckedBackend
from fotofila.notify.webhooks import WebhookSender

PUBLIC = "93.184.216.34"


class NameServer:
    """Says another address each time, and repeats the last."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self, _host: str, _port: int) -> list[str]:
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class Wire(httpcore.AsyncNetworkBackend):
    """Notes the address that is connected to, and connects to the receiver instead: tests reach no public address."""

    def __init__(self, receiver: Receiver, *dead: str) -> None:
        self._receiver = receiver
        self._dead = dead
        self.connected: list[str] = []

    async def connect_tcp(
        self,
        host: str,
        port: int,  # noqa: ARG002
        timeout: float | None = None,  # noqa: ASYNC109
        local_address: str | None = None,  # noqa: ARG002
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002
    ) -> httpcore.AsyncNetworkStream:
        self.connected.append(host)
        if host in self._dead:
            raise httpcore.ConnectError("refused")
        return await httpcore.AnyIOBackend().connect_tcp("127.0.0.1", self._receiver.port, timeout)


def sender(wire: Wire, names: NameServer, **more: Any) -> WebhookSender:
    return WebhookSender(backend=CheckedBackend(allow_private=False, resolver=names, backend=wire), **more)


async def test_connection_goes_to_the_very_address_that_was_checked(receiver: Receiver) -> None:
    names, wire = NameServer([PUBLIC], ["127.0.0.1"]), Wire(receiver)
    async with sender(wire, names) as webhooks:
        assert await webhooks.post("http://rebind.example/x", b"{}", {}) == 204
    assert (names.asked, wire.connected) == (1, [PUBLIC])


async def test_name_that_turns_private_is_refused_the_second_time(receiver: Receiver) -> None:
    names, wire = NameServer([PUBLIC], ["127.0.0.1"]), Wire(receiver)
    async with sender(wire, names) as webhooks:
        await webhooks.post("http://rebind.example/x", b"{}", {})
    async with sender(wire, names) as webhooks:
        with pytest.raises(SendError, match=r"127\.0\.0\.1") as caught:
            await webhooks.post("http://rebind.example/x", b"{}", {})
    assert caught.value.final
    assert (len(receiver.requests), wire.connected) == (1, [PUBLIC])


async def test_private_addresses_among_public_ones_are_left_out(receiver: Receiver) -> None:
    names, wire = NameServer(["10.0.0.1", "1.1.1.1", PUBLIC]), Wire(receiver, "1.1.1.1")
    async with sender(wire, names) as webhooks:
        await webhooks.post("http://many.example/x", b"{}", {})
    assert wire.connected == ["1.1.1.1", PUBLIC]


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "localhost"])
async def test_this_machine_is_refused_however_it_is_written(host: str, receiver: Receiver) -> None:
    async with WebhookSender(backend=CheckedBackend(allow_private=False)) as webhooks:
        with pytest.raises(SendError):
            await webhooks.post(f"http://{host}:{receiver.port}/x", b"{}", {})
    assert receiver.connections == 0


async def test_name_without_an_address_is_a_sentence(receiver: Receiver) -> None:
    async def nobody(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    backend = CheckedBackend(allow_private=False, resolver=nobody, backend=Wire(receiver))
    async with WebhookSender(backend=backend) as webhooks:
        with pytest.raises(SendError, match="no address") as caught:
            await webhooks.post("https://nowhere.example/x", b"{}", {})
    assert not caught.value.final


async def test_proxy_of_the_environment_is_not_used(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    async with receiving() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        wire = Wire(receiver)
        async with sender(wire, NameServer([PUBLIC])) as webhooks:
            await webhooks.post("http://hooks.example/x", b"{}", {})
        assert (len(proxy.requests), len(receiver.requests)) == (0, 1)


@pytest.fixture
async def secure(certificate: Path) -> AsyncIterator[tuple[Receiver, list[str | None]]]:
    """A receiver behind TLS, and the names that it was asked for."""
    asked: list[str | None] = []
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(certificate)
    server.sni_callback = lambda _socket, name, _context: asked.append(name)
    async with receiving(server) as receiver:
        yield receiver, asked


async def test_tls_asks_for_and_verifies_the_name_not_the_address(
    secure: tuple[Receiver, list[str | None]], certificate: Path
) -> None:
    receiver, asked = secure
    trusted = ssl.create_default_context(cafile=str(certificate))
    async with sender(Wire(receiver), NameServer([PUBLIC]), ssl_context=trusted) as webhooks:
        assert await webhooks.post("https://hooks.example/x", b"{}", {}) == 204
        with pytest.raises(SendError, match="certificate"):
            await webhooks.post("https://other.example/x", b"{}", {})
    assert asked == ["hooks.example", "other.example"]
    assert receiver.requests[0].headers["host"] == "hooks.example"


async def test_certificate_that_nobody_vouches_for_is_refused(secure: tuple[Receiver, list[str | None]]) -> None:
    receiver, _ = secure
    async with sender(Wire(receiver), NameServer([PUBLIC])) as webhooks:
        with pytest.raises(SendError, match="certificate"):
            await webhooks.post("https://hooks.example/x", b"{}", {})
    assert receiver.requests == []
