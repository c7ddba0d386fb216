"""What a worker says about an execution, on the results and failures queues."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import orjson

from fotofila.core.clock import Clock
from fotofila.core.errors import FotofilaError
from fotofila.core.ids import new_id
from fotofila.core.jobs import messages
from fotofila.core.jobs.keys import claim_key
from fotofila.core.jobs.messages import ErrorInfo, ProcessMessage
from fotofila.core.queue import Delivery, Outgoing, Queue
from fotofila.core.queue.base import MAX_PAYLOAD_BYTES, Settling
from fotofila.core.storage import Storage
from fotofila.worker.errors import needing_storage

RESULTS = "results"
FAILURES = "failures"
HELD_SECONDS = 1.0
"""What is over sooner tells its beginning with its end: a message and a transaction less for most photos."""
INLINE_BYTES = 64 * 1024
"""Results above this go to storage and the message carries their key (claim check)."""


class Reporter:
    """Reports on one execution; every message has the next sequence number.

    That work began is told when it goes on for a while; the last report tells it too. So quick work is one message, and
    none that comes late or never leaves the beginning out.
    """

    def __init__(
        self,
        *,
        queue: Queue,
        storage: Storage,
        clock: Clock,
        message: ProcessMessage,
        delivery: Delivery | None = None,
        settling: Settling | None = None,
    ) -> None:
        """`delivery` is ended with the last report, where the queue is `settling` too; see `settled`."""
        self._queue = queue
        self._delivery = delivery
        self._settling = settling
        self.settled = False
        self._storage = storage
        self._clock = clock
        self._message = message
        self._sequence = 0
        self._began: dict[str, Any] = {}
        self._held: messages.Started | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._telling: asyncio.Task[None] | None = None
        self.execution_id = new_id()

    def _envelope(self) -> dict[str, Any]:
        self._sequence += 1
        source = self._message
        return {
            "id": f"{self.execution_id}-{self._sequence}",
            "kind": source.kind,
            "kind_version": source.kind_version,
            "job_id": source.job_id,
            "owner": source.owner,
            "round": source.round,
            "attempt": source.attempt,
            "dispatch": source.dispatch,
            "execution_id": self.execution_id,
            "sequence": self._sequence,
            "traceparent": source.traceparent,
            "created_at": self._clock.now(),
        }

    async def _send(self, message: messages.Message) -> None:
        """Send, after what is held; that is let go only once it is sent, for a report may be cut off on its way."""
        held = [self._held] if self._held else []
        await self._enqueue(RESULTS, *held, message)
        self.silence()

    async def _send_last(self, message: messages.Report, lane: str = RESULTS) -> None:
        """Send what became of it."""
        if self._delivery is not None and self._settling is not None:
            outgoing = Outgoing(payload=message.dump(), dedup_id=message.id)
            await self._settling.settle(self._delivery, lane, [outgoing])
            self.settled = True
        else:
            await self._enqueue(lane, message)
        self.silence()

    async def _enqueue(self, lane: str, *told: messages.Message) -> None:
        await self._queue.enqueue(lane, [Outgoing(payload=each.dump(), dedup_id=each.id) for each in told])

    def started(self, worker: str) -> None:
        """Note that work began; told after a second, or by what became of it."""
        self._held = messages.Started(**self._envelope(), worker=worker)
        self._began = {"worker": worker, "started_at": self._held.created_at}
        self._timer = asyncio.get_running_loop().call_later(HELD_SECONDS, self._begin_telling)

    def _begin_telling(self) -> None:
        self._telling = asyncio.create_task(self._tell())

    async def _tell(self) -> None:
        with suppress(FotofilaError):  # a queue that went away is met again by the next report, which counts
            await self.flush()

    async def flush(self) -> None:
        """Tell now what is held."""
        if self._held is not None:
            await self._enqueue(RESULTS, self._held)
            self._held = None

    def silence(self) -> None:
        """Hold nothing back any more: it was told, or another worker may have the job."""
        self._held = None
        if self._timer is not None:
            self._timer.cancel()
        if self._telling is not None:
            self._telling.cancel()

    async def progress(self, progress: float) -> None:
        """Say how far it is."""
        await self._send(messages.Progress(**self._envelope(), progress=progress))

    async def heartbeat(self) -> None:
        """Say that it goes on."""
        await self._send(messages.Heartbeat(**self._envelope()))

    async def retrying(self, error: ErrorInfo, *, wait_seconds: float | None = None, snooze: bool = False) -> None:
        """Ask for another attempt; a snoozed one costs none."""
        envelope = {**self._envelope(), **self._began}
        await self._send_last(messages.Retrying(**envelope, error=error, wait_seconds=wait_seconds, snooze=snooze))

    async def finished(
        self,
        result: dict[str, object],
        renditions: tuple[messages.Rendition, ...],
        seconds: float,
        timings: dict[str, float],
    ) -> None:
        """Say that it is done, and what came of it."""
        body = orjson.dumps(result)
        claim = None
        if len(body) > INLINE_BYTES:
            claim = claim_key(self._message.job_id, self.execution_id)
            with needing_storage():
                await self._storage.put(claim, body)
        await self._send_last(
            messages.Finished(
                **self._envelope(),
                **self._began,
                result=None if claim else result,
                claim_key=claim,
                renditions=renditions,
                seconds=round(seconds, 4),
                timings=timings,
            ),
        )

    async def cancelled(self, reason: str) -> None:
        """Say that it was stopped."""
        await self._send_last(messages.Cancelled(**self._envelope(), **self._began, reason=reason))

    async def failed(self, error: ErrorInfo) -> None:
        """Tell a failure once, with the message that failed."""
        payload = self._message.model_dump(mode="json", by_alias=True)
        failed = messages.Failed(**self._envelope(), **self._began, error=error, payload=payload)
        if len(failed.dump()) > MAX_PAYLOAD_BYTES:
            failed = failed.model_copy(update={"payload": {**payload, "args": {}}})
        await self._send_last(failed, FAILURES)
