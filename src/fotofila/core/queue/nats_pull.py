"""Pulling from JetStream: what there is now, or the first that comes, from one consumer or several."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import orjson
from nats.aio.msg import Msg

from fotofila.core.errors import UnavailableError
from fotofila.core.queue.leases import now, wait_awake
from fotofila.core.queue.nats_link import REQUEST_SECONDS, Link, LinkLostError, NobodyAnswersError, status_of
from fotofila.core.queue.nats_streams import SECOND, Source

GRACE_SECONDS = 2.0
"""A pull that waited must be answered so soon after its end, or the connection is of no use."""
GONE = "Consumer Deleted"
EMPTY = {"404", "408"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """Messages of one source, sent by the server after a moment on our clock."""

    messages: tuple[Msg, ...]
    since: float


class Basket:
    """Collects what one pull, or several of one message each, bring."""

    def __init__(self, *, batch: int, pulls: int = 1) -> None:
        self.messages: list[Msg] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.open = pulls
        """Pulls of which more may come."""
        self._batch = batch

    def feed(self, message: Msg) -> None:
        """Take a message, or the word that no more come."""
        error = None
        if message.reply:
            self.messages.append(message)
            self.open -= len(self.messages) % self._batch == 0
        else:
            error = error_of(message)
            self.open -= 1
        full = len(self.messages) >= self._batch
        if self.done.done() or not (full or error or self.open == 0):
            return
        if error is None or self.messages:
            self.done.set_result(None)
        else:
            self.done.set_exception(error)


def error_of(message: Msg) -> UnavailableError | None:
    """Return what a message without content tells, unless that is only that nothing is there."""
    status = status_of(message)
    told = " ".join(str(value) for value in (message.headers or {}).values())
    if status in EMPTY:
        return None
    if status == "503" or GONE in told:
        return NobodyAnswersError()
    return UnavailableError(f"NATS does not deliver ({told}): look at its log.")


async def pull(link: Link, source: Source, *, batch: int, seconds: float, lease_seconds: float) -> Pulled:
    """Take what there is, up to a batch; when nothing is, wait for the first."""
    basket = Basket(batch=batch)
    since = now()
    spout = await link.spout()
    spout.feed = basket.feed
    try:
        await ask(link, source, spout.address, batch=batch, seconds=seconds)
        if not seconds:
            await link.until(basket.done, seconds=REQUEST_SECONDS)
        else:
            since = await first(link, basket, seconds=seconds, lease_seconds=lease_seconds)
    except BaseException:
        link.retire(spout)
        raise
    link.reuse(spout)
    basket.done.result()
    return Pulled(messages=tuple(basket.messages), since=since)


async def pull_any(link: Link, sources: Sequence[Source], *, seconds: float, lease_seconds: float) -> Pulled:
    """Wait for the first message of several sources; there may be one of each."""
    basket = Basket(batch=1, pulls=len(sources))
    spout = await link.spout()
    spout.feed = basket.feed
    try:
        for source in sources:
            await ask(link, source, spout.address, batch=1, seconds=seconds)
        since = await first(link, basket, seconds=seconds, lease_seconds=lease_seconds)
    except BaseException:
        link.retire(spout)
        raise
    if basket.open:
        link.retire(spout)
    else:
        link.reuse(spout)
    basket.done.result()
    return Pulled(messages=tuple(basket.messages), since=since)


async def first(link: Link, basket: Basket, *, seconds: float, lease_seconds: float) -> float:
    """Wait until a basket is done; returns a moment before which nothing in it was sent.

    Raises:
        LinkLostError: the connection broke, or the end of the pull was not told in time.
    """
    either = asyncio.get_running_loop().create_future()

    def wake(_: object) -> None:
        if not either.done():
            either.set_result(None)

    basket.done.add_done_callback(wake)
    link.lost.add_done_callback(wake)
    try:
        since = await wait_awake(either, seconds=seconds + GRACE_SECONDS, lease_seconds=lease_seconds)
    finally:
        link.lost.remove_done_callback(wake)
    if since is None or not basket.done.done():
        await link.close()
        raise LinkLostError
    return since


async def ask(link: Link, source: Source, address: str, *, batch: int, seconds: float) -> None:
    """Send one pull: it ends with what is there now, or else with the first that comes."""
    body: dict[str, object] = {"batch": batch, "no_wait": True}
    if seconds:
        body["expires"] = int(seconds * SECOND)
    subject = f"$JS.API.CONSUMER.MSG.NEXT.{source.stream}.{source.consumer}"
    await link.publish(subject, orjson.dumps(body), reply=address)
