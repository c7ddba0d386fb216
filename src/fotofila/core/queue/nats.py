"""The queue on NATS JetStream: see `nats_streams` for what is on the server.

What JetStream gives and what it does not:

- `ack` is sent and not waited for: one that is lost with the server is a delivery that comes back.
- All receivers of a lane share one lease: the length that the last `receive` asked for. `extend` sets it anew with that
  length. What is done after it is over stays in this process (`leases`): JetStream would let it end another's delivery.
- `depth` counts as leased what was delivered and not acked, also when it waits for its delay or its lease is over.
- A message is given up when a receiver asks for the next one. It stays in its stream until the failure is acked.
- A message is on the server's disk when `enqueue` returns, and synced to it as the server is set (`sync_interval`).
"""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import orjson
from nats.aio.msg import Msg

from fotofila.core.errors import FotofilaError
from fotofila.core.ids import new_id
from fotofila.core.queue.base import Delivery, Depth, LaneNames, Outgoing
from fotofila.core.queue.leases import Leases, now
from fotofila.core.queue.nats_link import Link, LinkLostError, NatsAddress, NobodyAnswersError
from fotofila.core.queue.nats_pull import Pulled, pull, pull_any
from fotofila.core.queue.nats_streams import (
    GIVEN_UP,
    SECOND,
    Layout,
    Source,
    ensure_consumer,
    ensure_stream,
    is_missing,
    refuse,
)
from fotofila.core.queue.parts import demand_payloads, in_parts

PATIENCE_SECONDS = 3.0
"""A short absence of the server is nobody's business; a longer one is told."""
RETRY_SECONDS = 0.2
PART_MESSAGES = 500
PART_BYTES = 4 * 1024 * 1024
NO_MESSAGE = 10037
PLAIN_PARTS = 9

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What is needed to act on a delivery; its text is the delivery's `receipt`."""

    reply: str
    stream: str
    sequence: int
    dead: bool

    def __str__(self) -> str:
        return f"{self.reply} {self.stream} {self.sequence} {int(self.dead)}"

    @classmethod
    def read(cls, text: str) -> Receipt:
        """Read its text."""
        reply, stream, sequence, dead = text.split(" ")
        return cls(reply=reply, stream=stream, sequence=int(sequence), dead=dead == "1")


class NatsQueue:
    """A queue on a NATS server or cluster; it connects at its first use, and anew whenever the connection breaks."""

    def __init__(self, address: NatsAddress, *, max_deliveries: int, names: LaneNames, replicas: int = 0) -> None:
        self._address = address
        self._layout = Layout(names=names, max_deliveries=max_deliveries, replicas=replicas)
        self._leases = Leases()
        self._link: Link | None = None
        self._connecting = asyncio.Lock()
        self._made: dict[str, str] = {}
        self._closed = False

    async def _connected(self) -> Link:
        async with self._connecting:
            if self._link is None or not self._link.alive:
                if self._link is not None:
                    await self._link.close()
                self._link = Link()
                await self._link.open(self._address)
            return self._link

    async def _run(self, work: Callable[[Link], Awaitable[T]]) -> T:
        """Do something, again on a new connection or with streams made anew when that is what it takes."""
        deadline = now() + PATIENCE_SECONDS
        while True:
            try:
                link = await self._connected()
                return await work(link)
            except (LinkLostError, NobodyAnswersError):
                if now() > deadline or self._closed:
                    raise
                if self._link is not None:
                    self._link.verified.clear()
            await asyncio.sleep(RETRY_SECONDS)

    async def _have_stream(self, link: Link, source: Source) -> None:
        if source.stream in link.verified:
            return
        made = await ensure_stream(link, self._layout.stream(source))
        if self._made.setdefault(source.stream, made) != made:  # the server was wiped: its numbers begin anew
            self._made[source.stream] = made
            self._leases.forget(lambda receipt: Receipt.read(receipt).stream == source.stream)
        link.verified.add(source.stream)

    async def _have_source(self, link: Link, source: Source, lease_seconds: float) -> None:
        key = f"{source.stream} {source.consumer} {lease_seconds}"
        if key in link.verified:
            return
        await self._have_stream(link, source)
        await self._have_stream(link, self._layout.dead())
        await ensure_consumer(link, source, self._layout.consumer(source, lease_seconds=lease_seconds))
        link.verified.add(key)

    async def enqueue(self, lane: str, messages: Sequence[Outgoing]) -> None:
        """Send messages, durably, all or an error; after an error some may have been sent."""
        demand_payloads(messages)
        source = self._layout.source(lane)
        ids = [f"{source.lane}:{message.dedup_id or new_id()}" for message in messages]
        payloads = [message.payload for message in messages]
        parts = in_parts([len(payload) for payload in payloads], most=PART_MESSAGES, most_bytes=PART_BYTES)

        async def work(link: Link) -> None:
            await self._have_stream(link, source)
            for part in parts:
                await publish(link, source.lane, payloads[part], ids[part])

        await self._run(work)

    async def receive(
        self, lanes: Sequence[str], *, max_messages: int, wait_seconds: float, lease_seconds: float
    ) -> list[Delivery]:
        """Take up to `max_messages`, lanes in order of preference, waiting for the first one."""
        sources = [self._layout.source(lane) for lane in lanes]
        if any(source.stream == self._layout.names.failures for source in sources):
            sources.append(self._layout.dead())
        deadline = now() + wait_seconds

        async def work(link: Link) -> list[Delivery]:
            for source in sources:
                await self._have_source(link, source, lease_seconds)
            left = max(0.0, deadline - now())
            return await self._take(link, sources, max_messages, left, lease_seconds)

        return await self._run(work)

    async def _take(
        self, link: Link, sources: Sequence[Source], count: int, seconds: float, lease_seconds: float
    ) -> list[Delivery]:
        taken: list[Delivery] = []
        waiting = seconds if len(sources) == 1 else 0
        for source in sources:
            pulled = await pull(link, source, batch=count - len(taken), seconds=waiting, lease_seconds=lease_seconds)
            taken += await self._deliveries(link, pulled, lease_seconds)
            if len(taken) >= count:
                break
        if taken or waiting or not seconds:
            return taken
        pulled = await pull_any(link, sources, seconds=seconds, lease_seconds=lease_seconds)
        for message in pulled.messages[count:]:  # each source may have sent one
            await link.give_back(message)
        pulled = replace(pulled, messages=pulled.messages[:count])
        return await self._deliveries(link, pulled, lease_seconds)

    async def _deliveries(self, link: Link, pulled: Pulled, lease_seconds: float) -> list[Delivery]:
        plain = [read_message(message) for message in pulled.messages if not message.subject.startswith(GIVEN_UP)]
        told = [message for message in pulled.messages if message.subject.startswith(GIVEN_UP)]
        found = await asyncio.gather(*(read_advisory(link, message, self._layout.dead().lane) for message in told))
        return [
            delivery
            for delivery in (*plain, *found)
            if delivery and self._leases.hold(delivery.receipt, since=pulled.since, lease_seconds=lease_seconds)
        ]

    async def ack(self, deliveries: Sequence[Delivery]) -> None:
        """End messages that were worked on; those whose lease is over are left to who has them now."""
        ours = [Receipt.read(one.receipt) for one in deliveries if self._leases.holds(one.receipt)]

        async def work(link: Link) -> None:
            for receipt in ours:
                await self._have_stream(link, Source(stream=receipt.stream, consumer="", lane=""))
                if not self._leases.holds(str(receipt)):
                    continue
                if receipt.dead:
                    await link.ask(f"STREAM.MSG.DELETE.{receipt.stream}", {"seq": receipt.sequence, "no_erase": True})
                link.publish_soon(receipt.reply, b"+ACK", until=self._leases.end(str(receipt)))

        if ours:
            await self._run(work)
        for delivery in deliveries:
            self._leases.release(delivery.receipt)

    async def nack(self, delivery: Delivery, *, delay_seconds: float = 0) -> None:
        """Give a message back; it counts as delivered once."""
        delay = b'-NAK {"delay": %d}' % int(delay_seconds * SECOND) if delay_seconds else b"-NAK"
        await self._answer(delivery, delay)
        self._leases.release(delivery.receipt)

    async def extend(self, delivery: Delivery, *, lease_seconds: float) -> bool:
        """Set the lease anew; False when it was lost and somebody else may hold the message."""
        since = now()
        held = await self._answer(delivery, b"+WPI")
        return held and self._leases.hold(delivery.receipt, since=since, lease_seconds=lease_seconds)

    async def discard(self, delivery: Delivery) -> None:
        """End a message that nobody can ever work on."""
        if Receipt.read(delivery.receipt).dead:
            await self.ack([delivery])
            return
        await self._answer(delivery, b"+TERM")
        self._leases.release(delivery.receipt)

    async def _answer(self, delivery: Delivery, word: bytes) -> bool:
        """Say something about a delivery and wait until it was heard; False when it is not ours any more."""
        receipt = Receipt.read(delivery.receipt)

        async def work(link: Link) -> bool:
            await self._have_stream(link, Source(stream=receipt.stream, consumer="", lane=""))
            if not self._leases.holds(delivery.receipt):
                return False
            await link.request(receipt.reply, word)
            return True

        return self._leases.holds(delivery.receipt) and await self._run(work)

    async def depth(self, lane: str) -> Depth:
        """Count a lane; it is made by whoever sends or receives first, and empty before."""
        source = self._layout.source(lane)
        sources = [source, self._layout.dead()] if source.stream == self._layout.names.failures else [source]

        async def work(link: Link) -> Depth:
            counts = [await count(link, each) for each in sources]
            return Depth(ready=sum(each.ready for each in counts), leased=sum(each.leased for each in counts))

        return await self._run(work)

    async def close(self) -> None:
        """Let go of the connection."""
        self._closed = True
        if self._link is not None:
            await self._link.close()


async def publish(link: Link, subject: str, payloads: Sequence[bytes], ids: Sequence[str]) -> None:
    """Send a part of a batch and wait until the server has confirmed each message.

    Raises:
        LinkLostError: not all were confirmed.
        NobodyAnswersError: there is no stream for them.
        UnavailableError: the stream takes no more.
    """
    left = len(payloads)
    errors: list[FotofilaError] = []
    confirmed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def feed(message: Msg) -> None:
        nonlocal left
        left -= 1
        if (error := refusal(message, subject)) is not None:
            errors.append(error)
        if left == 0:
            confirmed.set_result(None)

    address, forget = link.listen(feed)
    try:
        for payload, msg_id in zip(payloads, ids, strict=True):
            await link.publish(subject, payload, reply=address, msg_id=msg_id)
        await link.until(confirmed)
    finally:
        forget()
    if errors:
        raise errors[0]


def refusal(message: Msg, subject: str) -> FotofilaError | None:
    """Return what the answer to a published message complains of."""
    if not message.data:
        return NobodyAnswersError()
    if b'"error"' not in message.data:
        return None
    try:
        refuse(orjson.loads(message.data), f"messages to {subject}")
    except FotofilaError as error:
        return error
    return None


def read_message(message: Msg) -> Delivery:
    """Shape a message of a lane."""
    deliveries, sequence = numbers(message.reply)
    stream = message.subject.partition(".")[0]
    receipt = Receipt(reply=message.reply, stream=stream, sequence=sequence, dead=False)
    return Delivery(
        message_id=f"{stream}-{sequence}",
        lane=message.subject,
        payload=message.data,
        deliveries=deliveries,
        receipt=str(receipt),
    )


async def read_advisory(link: Link, advisory: Msg, lane: str) -> Delivery | None:
    """Find the message that was given up; None when it is gone, which ends the advisory."""
    told = orjson.loads(advisory.data)
    stream, sequence = told["stream"], told["stream_seq"]
    payload = await fetch(link, stream, sequence)
    if payload is None:
        await link.publish(advisory.reply, b"+ACK")
        return None
    receipt = Receipt(reply=advisory.reply, stream=stream, sequence=sequence, dead=True)
    return Delivery(
        message_id=f"{stream}-{sequence}",
        lane=lane,
        payload=payload,
        deliveries=numbers(advisory.reply)[0],
        receipt=str(receipt),
        dead_letter=True,
    )


async def fetch(link: Link, stream: str, sequence: int) -> bytes | None:
    """Read a message out of its stream; None when it is not there any more."""
    answer = await link.ask(f"STREAM.MSG.GET.{stream}", {"seq": sequence})
    if answer.get("error", {}).get("err_code") == NO_MESSAGE:
        return None
    refuse(answer, f"the message {sequence} of {stream}")
    return b64decode(answer["message"].get("data", ""))


async def count(link: Link, source: Source) -> Depth:
    """Count what a consumer has before it; without one, what is in the stream."""
    answer = await link.ask(f"CONSUMER.INFO.{source.stream}.{source.consumer}")
    if not is_missing(answer):
        refuse(answer, f"the consumer {source.consumer}")
        return Depth(ready=answer["num_pending"], leased=answer["num_ack_pending"])
    answer = await link.ask(f"STREAM.INFO.{source.stream}", {"subjects_filter": ">"})
    if is_missing(answer):
        return Depth(ready=0, leased=0)
    subjects = answer["state"].get("subjects") or {}
    ready = sum(subjects.values()) if source.gives_up else subjects.get(source.lane, 0)
    return Depth(ready=ready, leased=0)


def numbers(reply: str) -> tuple[int, int]:
    """Return how often a message was delivered, and its place in its stream, as its reply subject tells.

    `$JS.ACK.<stream>.<consumer>.<delivered>.<stream sequence>.<consumer sequence>.<time>.<pending>`, with a domain and
    an account before the stream where the server is told to say them.
    """
    parts = reply.split(".")
    at = 4 if len(parts) == PLAIN_PARTS else 6
    return int(parts[at]), int(parts[at + 1])
