"""The queue on Amazon SQS, standard queues: see `sqs_queues` for what is on the server.

What SQS gives and what it does not:

- A message may be delivered twice though nothing went wrong, rarely; and in any order, about.
- A `dedup_id` is known to the process that used it, not to others: a message that two processes send is there twice.
  Jobs and reports carry their own ids, and whoever reads them acts on each once.
- `depth` is about right, a minute late at times; what waits for its delay, or whose lease is over, counts as leased.
- Leases and delays are whole seconds, rounded up, and 12 hours at most. Messages are kept for 14 days.
- What is done with a delivery whose lease is over stays in this process (`leases`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from math import ceil
from typing import Any, TypeVar

import aiohttp
from botocore.exceptions import BotoCoreError, ClientError

from fotofila.core.aws import AwsAccess, code_of
from fotofila.core.errors import UnavailableError
from fotofila.core.queue.base import Delivery, Depth, LaneNames, Outgoing
from fotofila.core.queue.leases import Leases, now, wait_awake
from fotofila.core.queue.parts import demand_payloads, in_parts
from fotofila.core.queue.sqs_polls import Polls
from fotofila.core.queue.sqs_queues import ABSENT, Queues
from fotofila.core.queue.sqs_wire import ATTRIBUTES, OVERHEAD_BYTES, delivery, entry

BATCH = 10
BATCH_BYTES = 256 * 1024
POLL_SECONDS = 20
AT_ONCE = 8
PATIENCE_SECONDS = 8.0
"""Longest time for all the requests of one call, tries included."""
DEDUP_SECONDS = 120
GONE = {"ReceiptHandleIsInvalid", "InvalidParameterValue", "MessageNotInflight"}
COUNTS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
)

T = TypeVar("T")


class SqsQueue:
    """A queue on SQS, or a server that speaks as it does."""

    def __init__(self, access: AwsAccess, *, max_deliveries: int, names: LaneNames, create: bool) -> None:
        self._access = access
        self._names = names
        self._queues = Queues(names=names, max_deliveries=max_deliveries, create=create)
        self._leases = Leases()
        self._stack = AsyncExitStack()
        self._client: Any = None
        self._opening = asyncio.Lock()
        self._busy = asyncio.Semaphore(AT_ONCE)
        self._idle = False
        self._sent: dict[tuple[str, str], float] = {}
        self._polls = Polls(
            ask=self._ask,
            extend=lambda delivery, lease_seconds: self.extend(delivery, lease_seconds=lease_seconds),
            give_back=self.nack,
        )

    async def _run(self, work: Callable[[Any], Awaitable[T]], *, wait_seconds: float = 0) -> T:
        """Do something, again when a queue was deleted meanwhile.

        Raises:
            UnavailableError: SQS does not answer, or refuses.
        """
        try:
            async with self._opening:
                if self._client is None:
                    self._client = await self._stack.enter_async_context(self._access.client("sqs"))
            async with asyncio.timeout(PATIENCE_SECONDS + wait_seconds):
                try:
                    return await work(self._client)
                except ClientError as error:
                    if code_of(error) not in ABSENT:
                        raise
                    self._queues.forget()
                    return await work(self._client)
        except (ClientError, BotoCoreError, aiohttp.ClientError, TimeoutError, OSError) as error:
            raise translate(error) from error

    async def enqueue(self, lane: str, messages: Sequence[Outgoing]) -> None:
        """Send messages, durably, all or an error; after an error some may have been sent."""
        demand_payloads(messages)
        lane = self._names.of(lane)
        fresh = self._unsent(lane, messages)
        entries = [entry(message, lane) for message in fresh]
        sizes = [len(each["MessageBody"].encode()) + OVERHEAD_BYTES for each in entries]

        async def work(client: Any) -> None:
            url = await self._queues.url(client, lane)
            parts = in_parts(sizes, most=BATCH, most_bytes=BATCH_BYTES)
            await self._all(send(client, url, entries[part]) for part in parts)

        await self._run(work)
        at = now()
        self._sent.update({(lane, message.dedup_id): at for message in fresh if message.dedup_id is not None})

    def _unsent(self, lane: str, messages: Sequence[Outgoing]) -> list[Outgoing]:
        """Return the messages whose id this process has not used lately, each id once."""
        old = now() - DEDUP_SECONDS
        for key in [key for key, at in self._sent.items() if at < old]:
            del self._sent[key]
        seen: set[str] = set()
        fresh = []
        for message in messages:
            known = message.dedup_id is not None and (
                message.dedup_id in seen or (lane, message.dedup_id) in self._sent
            )
            if not known:
                fresh.append(message)
                seen.add(message.dedup_id or "")
        return fresh

    async def _all(self, works: Any) -> list[Any]:
        """Do several things at once, not too many; all are over when one has failed."""

        async def one(work: Coroutine[Any, Any, Any]) -> Any:
            async with self._busy:
                return await work

        done = await asyncio.gather(*(one(work) for work in works), return_exceptions=True)
        for result in done:
            if isinstance(result, BaseException):
                raise result
        return done

    async def receive(
        self, lanes: Sequence[str], *, max_messages: int, wait_seconds: float, lease_seconds: float
    ) -> list[Delivery]:
        """Take up to `max_messages`, lanes in order of preference, waiting for the first one."""
        lanes = [self._names.of(lane) for lane in lanes]
        deadline = now() + wait_seconds
        taken = await self._polls.take(lanes, max_messages)
        if not wait_seconds or (len(lanes) > 1 and not self._idle):
            for lane in lanes:
                taken += await self._take(lane, max_messages - len(taken), lease_seconds)
        batch = min(BATCH, max_messages) if len(lanes) == 1 else 1
        while not taken and (left := deadline - now()) > 0:
            await self._polls.wait(lanes, count=batch, seconds=left, lease_seconds=lease_seconds)
            taken = await self._polls.take(lanes, max_messages)
        if len(lanes) == 1 and len(taken) == BATCH:
            taken += await self._take(lanes[0], max_messages - len(taken), lease_seconds)
        self._idle = not taken  # then nothing was there a moment ago: waiting is enough, at half the requests
        return taken

    async def _take(self, lane: str, count: int, lease_seconds: float) -> list[Delivery]:
        """Take what is there now."""
        taken: list[Delivery] = []
        while len(taken) < count:
            size = min(BATCH, count - len(taken))
            more = await self._ask(lane, size, 0, lease_seconds)
            taken += more
            if len(more) < size:
                break
        return taken

    async def _ask(self, lane: str, count: int, wait_seconds: float, lease_seconds: float) -> list[Delivery]:
        async def work(client: Any) -> list[Delivery]:
            asked = asyncio.ensure_future(
                client.receive_message(
                    QueueUrl=await self._queues.url(client, lane),
                    MaxNumberOfMessages=count,
                    WaitTimeSeconds=min(POLL_SECONDS, ceil(wait_seconds)),
                    VisibilityTimeout=ceil(lease_seconds),
                    MessageSystemAttributeNames=["ApproximateReceiveCount"],
                    MessageAttributeNames=ATTRIBUTES,
                )
            )
            try:
                since = await wait_awake(asked, seconds=2 * POLL_SECONDS, lease_seconds=lease_seconds)
            except asyncio.CancelledError:
                asked.cancel()
                raise
            answer = await asked
            got = [delivery(message, lane, self._names) for message in answer.get("Messages", [])]
            lease = float(ceil(lease_seconds))
            return [one for one in got if self._leases.hold(one.receipt, since=since or now(), lease_seconds=lease)]

        return await self._run(work, wait_seconds=ceil(wait_seconds))

    async def ack(self, deliveries: Sequence[Delivery]) -> None:
        """End messages that were worked on; those whose lease is over are left to who has them now."""
        lanes: dict[str, list[str]] = {}
        for one in deliveries:
            if self._leases.holds(one.receipt):
                lanes.setdefault(one.lane, []).append(one.receipt)

        async def work(client: Any) -> None:
            deletions = []
            for lane, receipts in lanes.items():
                url = await self._queues.url(client, lane)
                parts = in_parts([1] * len(receipts), most=BATCH, most_bytes=BATCH_BYTES)
                deletions += [delete(client, url, receipts[part]) for part in parts]
            await self._all(deletions)

        if lanes:
            await self._run(work)
        for one in deliveries:
            self._leases.release(one.receipt)

    async def discard(self, delivery: Delivery) -> None:
        """End a message that nobody can ever work on."""
        await self.ack([delivery])

    async def nack(self, delivery: Delivery, *, delay_seconds: float = 0) -> None:
        """Give a message back; it counts as delivered once."""
        await self._set_visibility(delivery, ceil(delay_seconds))
        self._leases.release(delivery.receipt)

    async def extend(self, delivery: Delivery, *, lease_seconds: float) -> bool:
        """Set the lease anew; False when it was lost and somebody else may hold the message."""
        since = now()
        held = await self._set_visibility(delivery, ceil(lease_seconds))
        return held and self._leases.hold(delivery.receipt, since=since, lease_seconds=ceil(lease_seconds))

    async def _set_visibility(self, delivery: Delivery, seconds: int) -> bool:
        async def work(client: Any) -> bool:
            url = await self._queues.url(client, delivery.lane)
            try:
                await client.change_message_visibility(
                    QueueUrl=url, ReceiptHandle=delivery.receipt, VisibilityTimeout=seconds
                )
            except ClientError as error:
                if code_of(error) in GONE:
                    return False
                raise
            return True

        return self._leases.holds(delivery.receipt) and await self._run(work)

    async def depth(self, lane: str) -> Depth:
        """Count a lane, about; a queue that is not there yet is empty."""
        lane = self._names.of(lane)

        async def work(client: Any) -> Depth:
            url = await self._queues.look(client, lane)
            if url is None:
                return Depth(ready=0, leased=0)
            found = (await client.get_queue_attributes(QueueUrl=url, AttributeNames=list(COUNTS)))["Attributes"]
            visible, delayed, leased = (int(found.get(name, 0)) for name in COUNTS)
            return Depth(ready=visible + delayed, leased=leased)

        return await self._run(work)

    async def close(self) -> None:
        """Break off what waits, give back what nobody took, and let go of every connection."""
        await self._polls.close()
        await self._stack.aclose()


async def send(client: Any, url: str, entries: Sequence[dict[str, Any]]) -> None:
    """Send a batch.

    Raises:
        UnavailableError: SQS did not take all of it.
    """
    numbered = [{"Id": str(index), **each} for index, each in enumerate(entries)]
    answer = await client.send_message_batch(QueueUrl=url, Entries=numbered)
    if failed := answer.get("Failed"):
        raise UnavailableError(f"SQS did not take {len(failed)} messages ({failed[0].get('Code')}): see its limits.")


async def delete(client: Any, url: str, receipts: Sequence[str]) -> None:
    """Delete a batch; what SQS does not delete comes back."""
    entries = [{"Id": str(index), "ReceiptHandle": receipt} for index, receipt in enumerate(receipts)]
    await client.delete_message_batch(QueueUrl=url, Entries=entries)


def translate(error: Exception) -> UnavailableError:
    """Say what an error of the client means to an operator."""
    if isinstance(error, ClientError):
        told = error.response["Error"]
        return UnavailableError(f"SQS refuses ({code_of(error)}: {told.get('Message', '')}): look at its permissions.")
    return UnavailableError(f"SQS does not answer ({error or type(error).__name__}): look at FOTOFILA_QUEUE_ENDPOINT.")
