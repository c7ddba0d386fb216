"""Hearing of commits on PostgreSQL by LISTEN and NOTIFY.

A NOTIFY inside a transaction would make commits pass one by one (PostgreSQL holds one lock for all of them to the end
of the commit, its write to disk included). So we tell after the commit, in a statement of its own that writes nothing
to disk, and at most every 50 ms for all commits of a process. Such a word can be lost, with a process that dies right
then or a connection that breaks; whoever waits therefore looks again after its own time anyway.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

from fotofila.core.errors import FotofilaError
from fotofila.core.ids import new_id
from fotofila.core.observability.logs import get_logger

log = get_logger(__name__)

CHANNEL = "fotofila"
GATHER_SECONDS = 0.05
DEAF_SECONDS = 0.25
"""How long anybody sleeps at most while nothing would be heard."""
AGAIN_SECONDS = 2.0
PROBE_SECONDS = 30.0
LAST_WORD_SECONDS = 1.0

Connect = Callable[[], Awaitable[Any]]
Execute = Callable[[str], Awaitable[None]]


class NotifiedChanges:
    """One connection that listens, from the first wait on, and one statement for what was committed here."""

    def __init__(self, *, connect: Connect, execute: Execute, listens: bool = True) -> None:
        self._connect = connect
        self._execute = execute
        self._listens = listens
        self._name = new_id()
        self._word = f"NOTIFY {CHANNEL}, '{self._name}'"
        self._count = 0
        self._heard: asyncio.Event = asyncio.Event()
        self._hears = False
        self._listener: asyncio.Task[None] | None = None
        self._teller: asyncio.Task[None] | None = None
        self._untold = False

    def mark(self) -> int:
        """Return how many commits were heard of."""
        return self._count

    async def wait(self, timeout_seconds: float, *, since: int, worth: Callable[[], bool] = bool) -> None:
        """Return at the first commit that is heard of after a mark, or after the time; a look is a round trip."""
        del worth
        if self._count != since:
            return
        if self._listens and (self._listener is None or self._listener.done()):
            self._listener = asyncio.create_task(self._listen(), name="listen")
        heard, seconds = self._heard, timeout_seconds if self._hears else min(timeout_seconds, DEAF_SECONDS)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await heard.wait()

    def tell(self) -> None:
        """Tell of a commit: at once in this process, a moment later in every other."""
        self._hear()
        self._untold = True
        if self._teller is None or self._teller.done():
            self._teller = asyncio.create_task(self._tell(), name="notify")

    async def tell_by(self, execute: Execute) -> None:
        """Tell of a commit as `tell` does, on a connection that is at hand."""
        if self._teller is not None and not self._teller.done():
            self.tell()
            return
        self._hear()
        with contextlib.suppress(FotofilaError):
            await execute(self._word)
        self._teller = asyncio.create_task(self._rest(), name="notify")

    async def _rest(self) -> None:
        await asyncio.sleep(GATHER_SECONDS)
        await self._tell()

    def _hear(self) -> None:
        self._count += 1
        heard, self._heard = self._heard, asyncio.Event()
        heard.set()

    def _hear_other(self, _connection: Any, _pid: int, _channel: str, teller: str) -> None:
        if teller != self._name:
            self._hear()

    async def _tell(self) -> None:
        while self._untold:
            self._untold = False
            try:
                await self._execute(self._word)
            except FotofilaError as error:  # whoever waits looks again anyway
                log.debug("notify.failed", sentence=error.message)
            await asyncio.sleep(GATHER_SECONDS)

    async def _listen(self) -> None:
        while True:
            try:
                await self._hear_until_lost(await self._connect())
            except driver_errors() as error:
                log.warning("listen.lost", reason=str(getattr(error, "reason", None) or error))
            await asyncio.sleep(AGAIN_SECONDS)

    async def _hear_until_lost(self, connection: Any) -> None:
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _: lost.set())
        try:
            await connection.add_listener(CHANNEL, self._hear_other)
            self._hears = True
            self._hear()  # what was committed before we listened, we have not heard of
            while not lost.is_set():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(PROBE_SECONDS):
                        await lost.wait()
                await connection.execute("SELECT 1")
        finally:
            self._hears = False
            self._hear()  # so that nobody sleeps on what will not be told
            connection.terminate()

    async def close(self) -> None:
        """Tell what is untold, and stop listening."""
        if self._teller is not None:
            await asyncio.wait({self._teller}, timeout=LAST_WORD_SECONDS)
        for task in (self._listener, self._teller):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task


def driver_errors() -> tuple[type[Exception], ...]:
    """Return what a connection raises; its driver is loaded where it is used only."""
    import asyncpg  # noqa: PLC0415

    return FotofilaError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError
