"""What is sent at once shares a transaction: a commit that is synced costs more than all its statements."""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fotofila.core.queue.base import Outgoing


@dataclass(slots=True, kw_only=True, eq=False)
class Parcel:
    """What one caller sends, and the deliveries (ids and receipts) that end with it."""

    lane: str
    messages: Sequence[Outgoing]
    ending: Sequence[tuple[str, str]]
    withdrawn: bool = False
    """Set when its caller waits no more: it is not sent unless that is under way."""
    sent: bool = False
    error: Exception | None = None


class Parcels:
    """Parcels that wait for the one thread that writes. Each caller has that thread `send` its own.

    What came while the thread was at work goes with the first of them; the others find that theirs is sent.
    """

    def __init__(self, write: Callable[[sqlite3.Connection, Sequence[Parcel]], None]) -> None:
        """`write` is called with all that go together: it writes all of them, or raises."""
        self._write = write
        self._waiting: deque[Parcel] = deque()

    def add(self, parcel: Parcel) -> None:
        """Have a parcel wait, on the event loop's thread."""
        self._waiting.append(parcel)

    def send(self, connection: sqlite3.Connection, parcel: Parcel) -> None:
        """Send a parcel and all that wait with it, on the writing thread; raises what the write of it raised."""
        if parcel.error is not None:
            raise parcel.error
        if not parcel.sent:
            self._send_all(connection)

    def _send_all(self, connection: sqlite3.Connection) -> None:
        taken = [self._waiting.popleft() for _ in range(len(self._waiting))]
        wanted = [parcel for parcel in taken if not parcel.withdrawn]
        try:
            if wanted:
                self._write(connection, wanted)
        except Exception as error:
            for parcel in wanted:
                parcel.error = error
            raise
        for parcel in wanted:
            parcel.sent = True
