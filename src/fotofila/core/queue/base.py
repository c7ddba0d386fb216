"""The queue port: at least once, with leases.

Guarantees, each a test in `fotofila.testing.queue_conformance`:

1. A message that `enqueue` returned for survives the death of every process.
2. A message is delivered at least once, to one receiver at a time while the lease holds.
3. A delivery that is neither acked nor extended comes back after its lease, with `deliveries` one higher.
4. `ack` ends a message; acking twice, or after the lease has passed to another, does no harm and ends nothing new.
5. `nack(delay)` gives it back: it is not delivered before the delay is over.
6. `extend` sets the lease anew from now.
7. Within the de-duplication window (two minutes at least) a `dedup_id` is taken once per lane.
8. A message delivered `max_deliveries` times without an ack is moved, untouched, to the failures lane and told once.
9. `discard` ends a message and nobody hears of it again.
10. `depth` counts what is ready and what is leased; messages that wait for their delay count as ready.
11. Messages of one lane are delivered about in the order in which they were enqueued.
12. `receive` waits on all its lanes at once; one that is cancelled leaves messages to others, or to the next `receive`.

Where a server cannot keep one of these, its adapter says so at its top and the suite asks it for less (`QueueHarness`):

- NATS and SQS count as leased what waits for its delay or whose lease is over, until it is received (10); the sum is
  that of all messages. SQS counts about.
- SQS does not know ids (7): each sender knows those that it used itself. It may deliver twice, rarely (2), and mixes
  the order more (11). Every message carries an id of its own, and whoever reads it acts on it once.
- On both, what is done with a delivery whose lease is over is dropped, also when nobody has the message yet (4): it
  comes back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

MAX_PAYLOAD_BYTES = 200 * 1024
"""SQS takes 256 KiB with attributes; what is larger goes to storage and the message carries its key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A message to send."""

    payload: bytes
    dedup_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message that was received and is held under a lease."""

    message_id: str
    lane: str
    payload: bytes
    deliveries: int
    receipt: str
    dead_letter: bool = False
    """True on the failures lane when the queue itself moved the message there (its workers kept dying)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Depth:
    """How much is in a lane."""

    ready: int
    leased: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneNames:
    """What the lanes are called on the server: `process.bulk` takes the name of `process` and keeps its suffix."""

    process: str = "process"
    results: str = "results"
    failures: str = "failures"

    def of(self, lane: str) -> str:
        """Return the name of a lane on the server."""
        family, dot, suffix = lane.partition(".")
        return getattr(self, family, family) + dot + suffix


class Queue(Protocol):
    """A queue with lanes."""

    async def enqueue(self, lane: str, messages: Sequence[Outgoing]) -> None:
        """Send messages, durably, all or an error."""
        ...

    async def receive(
        self, lanes: Sequence[str], *, max_messages: int, wait_seconds: float, lease_seconds: float
    ) -> list[Delivery]:
        """Take up to `max_messages`, lanes in order of preference, waiting for the first one."""
        ...

    async def ack(self, deliveries: Sequence[Delivery]) -> None:
        """End messages that were worked on."""
        ...

    async def nack(self, delivery: Delivery, *, delay_seconds: float = 0) -> None:
        """Give a message back; it counts as delivered once."""
        ...

    async def extend(self, delivery: Delivery, *, lease_seconds: float) -> bool:
        """Set the lease anew; False when it was lost and somebody else may hold the message."""
        ...

    async def discard(self, delivery: Delivery) -> None:
        """End a message that nobody can ever work on."""
        ...

    async def depth(self, lane: str) -> Depth:
        """Count a lane."""
        ...

    async def close(self) -> None:
        """Let go of every connection."""
        ...


@runtime_checkable
class Settling(Protocol):
    """A queue that can end a message with what came of it."""

    async def settle(self, delivery: Delivery, lane: str, messages: Sequence[Outgoing]) -> None:
        """Send messages, durably, and end a delivery: both, or an error."""
        ...
