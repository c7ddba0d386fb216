"""The embedded queue: one SQLite file of its own, shared by all processes of one machine.

WAL, `synchronous=FULL` for an `enqueue` (a returned one is on the disk; what a power cut may take back is that messages
were received or acked, so they come again: at least once) and `BEGIN IMMEDIATE` (the write lock is taken where
waiting is harmless). All statements run on one thread, so the event loop never waits for the disk.
What is sent while that thread is at work shares the next transaction: a commit costs more than all its statements.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from fotofila.core.errors import StorageFullError, UnavailableError
from fotofila.core.ids import new_id
from fotofila.core.lanes import Lane
from fotofila.core.queue.base import MAX_PAYLOAD_BYTES, Delivery, Depth, LaneNames, Outgoing
from fotofila.core.queue.sqlite_parcels import Parcel, Parcels
from fotofila.core.sqlite import SqliteChanges, begin_writing, enter_wal, identity

DEDUP_SECONDS = 600
LOOK_SECONDS = 1.0
"""Leases and delays end without a commit, so an empty lane is looked at now and then."""
READY = "SELECT 1 FROM messages WHERE lane = ? AND ready_at <= ? LIMIT 1"
END = "DELETE FROM messages WHERE id = ? AND receipt = ?"
EVER = 0.0
"""Since when a message is ready that waits for nothing: so it is, also when the clock is set back."""
BUSY_SECONDS = 30

SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    lane TEXT NOT NULL,
    payload BLOB NOT NULL,
    ready_at REAL NOT NULL,
    deliveries INTEGER NOT NULL DEFAULT 0,
    receipt TEXT,
    dead_letter INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX IF NOT EXISTS messages_ready ON messages (lane, ready_at);
CREATE TABLE IF NOT EXISTS dedup (
    lane TEXT NOT NULL,
    dedup_id TEXT NOT NULL,
    expires_at REAL NOT NULL,
    PRIMARY KEY (lane, dedup_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS dedup_expires ON dedup (expires_at);
"""

T = TypeVar("T")


class SqliteQueue:
    """A queue in one file.

    A message is leased while `receipt` is set and `ready_at` (then the end of its lease) lies ahead; when that time
    passes it is ready again. The wall clock is used because processes must agree on it; one that jumps back only makes
    leases and delays longer, never deliver twice.
    """

    def __init__(
        self,
        path: Path,
        *,
        max_deliveries: int,
        names: LaneNames,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._max_deliveries = max_deliveries
        self._names = names
        self._now = now
        self._lane: Lane | None = None
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._changes = SqliteChanges(path)
        self._parcels = Parcels(self._write)

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        def call() -> T:
            try:
                return work(self._open())
            except (sqlite3.DatabaseError, OSError) as error:
                raise translate(error, self._path) from error

        if self._lane is None:
            self._lane = Lane("queue")
        return await self._lane.run(call)

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None and identity(self._path) != self._file:
            self._connection.close()  # somebody deleted the file: all others open the new one too
            self._connection = None
        if self._connection is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(
                self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            try:
                prepare(connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
            self._file = identity(self._path)
        return self._connection

    async def enqueue(self, lane: str, messages: Sequence[Outgoing]) -> None:
        """Send messages, durably, all or an error."""
        await self._send(lane, messages, ending=())

    async def settle(self, delivery: Delivery, lane: str, messages: Sequence[Outgoing]) -> None:
        """Send messages, durably, and end a delivery: one commit instead of two, for every photo."""
        await self._send(lane, messages, ending=[(delivery.message_id, delivery.receipt)])

    async def _send(self, lane: str, messages: Sequence[Outgoing], *, ending: Sequence[tuple[str, str]]) -> None:
        lane = self._names.of(lane)
        for message in messages:
            if len(message.payload) > MAX_PAYLOAD_BYTES:
                text = f"A message of {len(message.payload)} bytes was sent; {MAX_PAYLOAD_BYTES} is the most."
                raise ValueError(text)

        parcel = Parcel(lane=lane, messages=messages, ending=ending)
        self._parcels.add(parcel)
        try:
            await self._run(lambda connection: self._parcels.send(connection, parcel))
        except BaseException:
            parcel.withdrawn = True
            raise

    def _write(self, connection: sqlite3.Connection, parcels: Iterable[Parcel]) -> None:
        now = self._now()
        with writing(connection, durably=True):
            connection.execute("DELETE FROM dedup WHERE expires_at < ?", (now,))
            for parcel in parcels:
                lane, sent = parcel.lane, parcel.messages
                fresh = [m for m in sent if m.dedup_id is None or claim_dedup(connection, lane, m.dedup_id, now)]
                connection.executemany(
                    "INSERT INTO messages (id, lane, payload, ready_at) VALUES (?, ?, ?, ?)",
                    [(new_id(), lane, m.payload, EVER) for m in fresh],
                )
                connection.executemany(END, parcel.ending)

    async def receive(
        self, lanes: Sequence[str], *, max_messages: int, wait_seconds: float, lease_seconds: float
    ) -> list[Delivery]:
        """Take up to `max_messages`, lanes in order of preference, waiting for the first one.

        Most commits are about other lanes: who waits is woken for his own only, and one looks before one hops to the
        thread.
        """
        lanes = [self._names.of(lane) for lane in lanes]
        deadline = time.monotonic() + wait_seconds

        def is_ready() -> bool:
            return any(self._changes.has_row(READY, (lane, self._now())) for lane in lanes)

        while True:
            mark = self._changes.mark() if wait_seconds else 0
            found: list[Delivery] = []
            if not wait_seconds or is_ready():
                found = await self._run(lambda connection: self._take(connection, lanes, max_messages, lease_seconds))
            left = deadline - time.monotonic()
            if found or left <= 0:
                return found
            await self._changes.wait(min(left, LOOK_SECONDS), since=mark, worth=is_ready)

    def _take(
        self, connection: sqlite3.Connection, lanes: Sequence[str], count: int, lease_seconds: float
    ) -> list[Delivery]:
        now = self._now()
        if not any(has_ready(connection, lane, now) for lane in lanes):
            return []  # no write lock is taken for an empty queue
        taken: list[Delivery] = []
        with writing(connection):
            for lane in lanes:
                if lane != self._names.failures:
                    self._bury(connection, lane, now)
                rows = connection.execute(
                    "SELECT sequence, id, payload, deliveries, dead_letter FROM messages"
                    " WHERE lane = ? AND ready_at <= ? ORDER BY sequence LIMIT ?",
                    (lane, now, count - len(taken)),
                ).fetchall()
                for sequence, message_id, payload, deliveries, dead_letter in rows:
                    receipt = new_id()
                    connection.execute(
                        "UPDATE messages SET receipt = ?, deliveries = ?, ready_at = ? WHERE sequence = ?",
                        (receipt, deliveries + 1, now + lease_seconds, sequence),
                    )
                    taken.append(
                        Delivery(
                            message_id=message_id,
                            lane=lane,
                            payload=payload,
                            deliveries=deliveries + 1,
                            receipt=receipt,
                            dead_letter=bool(dead_letter),
                        )
                    )
        return taken

    def _bury(self, connection: sqlite3.Connection, lane: str, now: float) -> None:
        connection.execute(
            "UPDATE messages SET lane = ?, dead_letter = 1, deliveries = 0, receipt = NULL, ready_at = ?"
            " WHERE lane = ? AND ready_at <= ? AND deliveries >= ?",
            (self._names.failures, EVER, lane, now, self._max_deliveries),
        )

    async def ack(self, deliveries: Sequence[Delivery]) -> None:
        """End messages that were worked on."""
        await self._end([(delivery.message_id, delivery.receipt) for delivery in deliveries])

    async def discard(self, delivery: Delivery) -> None:
        """End a message that nobody can ever work on."""
        await self._end([(delivery.message_id, delivery.receipt)])

    async def _end(self, keys: Iterable[tuple[str, str]]) -> None:
        def work(connection: sqlite3.Connection) -> None:
            with writing(connection):
                connection.executemany(END, list(keys))

        await self._run(work)

    async def nack(self, delivery: Delivery, *, delay_seconds: float = 0) -> None:
        """Give a message back; it counts as delivered once."""

        def work(connection: sqlite3.Connection) -> None:
            with writing(connection):
                connection.execute(
                    "UPDATE messages SET receipt = NULL, ready_at = ? WHERE id = ? AND receipt = ?",
                    (self._now() + delay_seconds, delivery.message_id, delivery.receipt),
                )

        await self._run(work)

    async def extend(self, delivery: Delivery, *, lease_seconds: float) -> bool:
        """Set the lease anew; False when it was lost and somebody else may hold the message."""

        def work(connection: sqlite3.Connection) -> bool:
            with writing(connection):
                cursor = connection.execute(
                    "UPDATE messages SET ready_at = ? WHERE id = ? AND receipt = ?",
                    (self._now() + lease_seconds, delivery.message_id, delivery.receipt),
                )
                return cursor.rowcount == 1

        return await self._run(work)

    async def depth(self, lane: str) -> Depth:
        """Count a lane."""
        lane = self._names.of(lane)

        def work(connection: sqlite3.Connection) -> Depth:
            now = self._now()
            total, leased = connection.execute(
                "SELECT count(*), coalesce(sum(receipt IS NOT NULL AND ready_at > ?), 0) FROM messages WHERE lane = ?",
                (now, lane),
            ).fetchone()
            return Depth(ready=total - leased, leased=leased)

        return await self._run(work)

    async def close(self) -> None:
        """Let go of the file."""
        await self._changes.close()

        def work() -> None:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

        if self._lane is not None:
            await self._lane.run(work)
            self._lane.end()
            self._lane = None


@contextmanager
def writing(connection: sqlite3.Connection, *, durably: bool = False) -> Iterator[None]:
    """Hold the write lock for a block; commit at its end, roll back when it raises.

    What is not committed durably survives the death of every process; a power cut may take it back, up to the last
    durable commit.
    """
    connection.execute(f"PRAGMA synchronous={'FULL' if durably else 'NORMAL'}")
    begin_writing(connection)
    try:
        yield
    except BaseException:
        if connection.in_transaction:  # SQLite has rolled back itself where its disk is full
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def prepare(connection: sqlite3.Connection) -> None:
    """Set the file up, whoever else may be doing the same."""
    enter_wal(connection.execute)
    connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} COMMIT;")


def claim_dedup(connection: sqlite3.Connection, lane: str, dedup_id: str, now: float) -> bool:
    """Take a de-duplication id; False when it was taken before."""
    cursor = connection.execute(
        "INSERT OR IGNORE INTO dedup (lane, dedup_id, expires_at) VALUES (?, ?, ?)",
        (lane, dedup_id, now + DEDUP_SECONDS),
    )
    return cursor.rowcount == 1


def has_ready(connection: sqlite3.Connection, lane: str, now: float) -> bool:
    """Say whether a lane has anything to receive."""
    return connection.execute(READY, (lane, now)).fetchone() is not None


def translate(error: sqlite3.DatabaseError | OSError, path: Path) -> Exception:
    """Say what SQLite's error means to an operator."""
    text = str(error)
    if "full" in text:
        return StorageFullError(f"The disk of the queue file {path} is full: free some space on it.")
    return UnavailableError(f"The queue file {path} does not answer ({text}): look at its disk and permissions.")
