"""One connection to NATS: it is used until it breaks, and then there is a new one.

The client's own reconnecting is off. It would send buffered acknowledgements to a server that may be another by now,
wiped clean, where the same numbers mean other messages; and it leaves requests without an answer until they time out.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import nats.errors
import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from fotofila.core.errors import UnavailableError
from fotofila.core.observability.logs import get_logger
from fotofila.core.queue.leases import now
from fotofila.core.queue.nats_credentials import NatsCredentials

log = get_logger(__name__)

CONNECT_SECONDS = 4.0
REQUEST_SECONDS = 5.0
CLOSE_SECONDS = 2.0
PING_SECONDS = 10
SOON_SECONDS = 0.005
Feed = Callable[[Msg], None]


class LinkLostError(UnavailableError):
    """The connection broke, or does not answer."""

    def __init__(self, why: str = "the connection broke") -> None:
        super().__init__(f"NATS does not answer ({why}): look at the server and at FOTOFILA_QUEUE_URL.")


class NobodyAnswersError(UnavailableError):
    """Nothing on the server listens to a subject: a stream or consumer is missing, or JetStream is off."""

    def __init__(self) -> None:
        super().__init__("NATS answers, but JetStream is not there: start nats-server with -js.")


@dataclass(frozen=True, slots=True, kw_only=True)
class NatsAddress:
    """Where the servers are and how to prove who we are."""

    url: str
    """`nats://user:password@host:port,host:port`; `tls://` demands encryption."""
    credentials: str = ""
    """Text of a credentials file."""
    tls_ca: Path | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None

    def options(self) -> dict[str, Any]:
        """Return the client's options.

        Raises:
            ValueError: the URL names no server, or the credentials are none.
            OSError: a file of TLS cannot be read.
        """
        scheme, _, rest = self.url.partition("://")
        first = urlsplit(f"{scheme}://{rest.split(',')[0]}")
        hosts = [part.rpartition("@")[2].strip("/") for part in rest.split(",")]
        if not all(hosts):
            raise ValueError("it names no server; write it as nats://host:4222")
        options: dict[str, Any] = {"servers": [f"{scheme}://{host}" for host in hosts]}
        if first.username and first.password:
            options |= {"user": unquote(first.username), "password": unquote(first.password)}
        elif first.username:
            options["token"] = unquote(first.username)
        if self.credentials:
            known = NatsCredentials(self.credentials)
            options |= {"user_jwt_cb": known.jwt, "signature_cb": known.sign}
        if scheme == "tls" or self.tls_ca or self.tls_certificate:
            options["tls"] = ssl.create_default_context(cafile=self.tls_ca)
            if self.tls_certificate:
                options["tls"].load_cert_chain(self.tls_certificate, self.tls_key)
        return options


class Link:
    """A connection with one inbox, where every answer finds who asked by the last part of its subject."""

    def __init__(self) -> None:
        self.client = Client()
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.verified: set[str] = set()
        """Streams and consumers that were seen to be there since we connected."""
        self._feeds: dict[str, Feed] = {}
        self._spouts: list[Spout] = []
        self._chores: set[asyncio.Task[None]] = set()
        self._soon: list[tuple[str, bytes, float]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._tokens = count()
        self._inbox = self.client.new_inbox()

    async def open(self, address: NatsAddress) -> None:
        """Connect.

        Raises:
            LinkLostError: nobody is there, or we are refused.
        """
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await self.client.connect(
                    **address.options(),
                    name="fotofila",
                    allow_reconnect=False,
                    max_reconnect_attempts=1,
                    reconnect_time_wait=0,
                    connect_timeout=2,
                    ping_interval=PING_SECONDS,
                    error_cb=self._on_error,
                    closed_cb=self._on_closed,
                )
                await self.client.subscribe(f"{self._inbox}.*", cb=self._on_message)
        except (OSError, TimeoutError, nats.errors.Error) as error:
            await self.close()
            raise LinkLostError(str(self.client.last_error or error) or type(error).__name__) from error

    async def close(self) -> None:
        """Send what is on its way and hang up."""
        await self._send_in_time()
        for chore in self._chores:
            chore.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)
        with suppress(OSError, nats.errors.Error):
            async with asyncio.timeout(CLOSE_SECONDS):  # a connection that TLS refused never says that it is closed
                await self.client.close()
        await self._on_closed()

    def keep(self, chore: Coroutine[object, object, None]) -> None:
        """Do something beside, for as long as the connection lasts."""
        task = asyncio.create_task(chore)
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)

    @property
    def alive(self) -> bool:
        """Whether it is of use still."""
        return not self.lost.done() and self.client.is_connected

    async def _on_error(self, error: Exception) -> None:
        log.debug("nats.error", error=repr(error))

    async def _on_closed(self) -> None:
        if not self.lost.done():
            self.lost.set_result(None)

    async def _on_message(self, message: Msg) -> None:
        feed = self._feeds.get(message.subject.rpartition(".")[2])
        if feed is not None:
            feed(message)

    async def give_back(self, message: Msg) -> None:
        """Return a delivery that came too late for whoever asked for it."""
        with suppress(LinkLostError):
            await self.publish(message.reply, b"-NAK")

    def listen(self, feed: Feed) -> tuple[str, Callable[[], None]]:
        """Have a feed given what comes for a new address; returns it, and how to end that."""
        token = f"{next(self._tokens):x}"
        self._feeds[token] = feed
        return f"{self._inbox}.{token}", lambda: self._feeds.pop(token, None) and None

    async def spout(self) -> Spout:
        """Return a spout that nobody uses; put it back with `reuse`, or `retire` it."""
        while self._spouts:
            return self._spouts.pop()
        spout = Spout(self)
        try:
            await spout.open()
        except (OSError, nats.errors.Error) as error:
            raise LinkLostError from error
        return spout

    def reuse(self, spout: Spout) -> None:
        """Keep a spout through which nothing can come any more."""
        spout.feed = None
        self._spouts.append(spout)

    def retire(self, spout: Spout) -> None:
        """Have the server forget a spout, and return what is on its way through it."""
        spout.feed = None
        self.keep(spout.close())

    async def publish(self, subject: str, payload: bytes, *, reply: str = "", msg_id: str | None = None) -> None:
        """Send; it is on its way, no more.

        Raises:
            LinkLostError: the connection is gone.
        """
        headers = {"Nats-Msg-Id": msg_id} if msg_id else None
        try:
            await self._send_soon()
            await self.client.publish(subject, payload, reply=reply, headers=headers)
        except (OSError, nats.errors.Error) as error:
            raise LinkLostError(str(error)) from error

    def publish_soon(self, subject: str, payload: bytes, *, until: float) -> None:
        """Send with what is sent next, or some milliseconds later; not after a moment on the clock of leases.

        A worker that is done asks for its next message: one write to the server, which wakes up once, and not two.

        Raises:
            LinkLostError: the connection is gone.
        """
        if not self.alive:
            raise LinkLostError
        self._soon.append((subject, payload, until))
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SOON_SECONDS, self._begin_sending)

    def _begin_sending(self) -> None:
        self.keep(self._send_in_time())

    async def _send_in_time(self) -> None:
        with suppress(OSError, nats.errors.Error):  # as what was sent and lost with the server
            await self._send_soon()

    async def _send_soon(self) -> None:
        if self._timer is None:
            return
        self._timer.cancel()
        self._timer = None
        soon, self._soon = self._soon, []
        for subject, payload, until in soon:
            if until > now():
                await self.client.publish(subject, payload)

    async def until(self, future: asyncio.Future[Any], *, seconds: float = REQUEST_SECONDS) -> None:
        """Wait for a future for as long as the connection lasts.

        Raises:
            LinkLostError: the connection broke first, or was of no use for so long.
        """
        await asyncio.wait({future, self.lost}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if not future.done():
            if self.alive:
                log.warning("nats.silent", seconds=seconds)
            await self.close()
            raise LinkLostError

    async def request(self, subject: str, payload: bytes = b"") -> bytes:
        """Ask and return the answer.

        Raises:
            LinkLostError: none came.
            NobodyAnswersError: nobody is there to answer.
        """
        answer: asyncio.Future[Msg] = asyncio.get_running_loop().create_future()
        address, forget = self.listen(lambda message: None if answer.done() else answer.set_result(message))
        try:
            await self.publish(subject, payload, reply=address)
            await self.until(answer)
        finally:
            forget()
        if status_of(answer.result()) == "503":
            raise NobodyAnswersError
        return answer.result().data

    async def ask(self, verb: str, body: object = None) -> dict[str, Any]:
        """Ask JetStream's API; the answer may be an error of its own (key `error`)."""
        reply = await self.request(f"$JS.API.{verb}", b"" if body is None else orjson.dumps(body))
        answer: dict[str, Any] = orjson.loads(reply)
        return answer


class Spout:
    """An address of its own on the server: messages of JetStream keep their subject, so that does not say who asked."""

    def __init__(self, link: Link) -> None:
        self.feed: Feed | None = None
        self.address = link.client.new_inbox()
        self._link = link
        self._subscription: Subscription | None = None

    async def open(self) -> None:
        """Have the server know it."""
        self._subscription = await self._link.client.subscribe(self.address, cb=self._on_message)

    async def _on_message(self, message: Msg) -> None:
        if self.feed is not None:
            self.feed(message)
        elif message.reply:
            await self._link.give_back(message)

    async def close(self) -> None:
        """Have the server forget it; what was sent before that still comes."""
        if self._subscription is not None:
            with suppress(OSError, nats.errors.Error):
                await self._subscription.drain()  # type: ignore[no-untyped-call]


def status_of(message: Msg) -> str | None:
    """Return the status of a message that carries nothing else."""
    return message.headers.get("Status") if message.headers and not message.data else None
