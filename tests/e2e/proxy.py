"""A TCP proxy that behaves as bad networks do, between our processes and a server.

What it does is a mode that can be changed at any time; `slow` also changes how open connections are treated.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random

CHUNK_BYTES = 16 * 1024


class Mode(StrEnum):
    """How connections fare."""

    PASS = "pass"
    """As if there were no proxy."""
    REFUSE = "refuse"
    """New connections end at once; those that are open are cut when the mode begins."""
    SLOW = "slow"
    """Each piece waits on its way."""
    CUT = "cut"
    """Each connection breaks off, without a goodbye, after some thousand bytes in either direction."""
    SILENT = "silent"
    """Everything is taken and nothing answered: a machine that has lost its power."""


@dataclass(slots=True, kw_only=True, eq=False)
class Proxy:
    """Stands before one server."""

    port: int
    random: Random
    mode: Mode = Mode.PASS
    delay_seconds: float = 0.15
    cut_bytes: int = 6000
    """The most that a connection carries before it is cut."""
    most_bytes: float = math.inf
    """The most that all connections carry together; what comes after that is lost."""
    listening_port: int = 0
    broken: Counter[Mode] = field(default_factory=Counter)
    carried_bytes: int = 0
    _open: set[asyncio.StreamWriter] = field(default_factory=set)
    _carrying: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def address(self) -> str:
        """Where our processes connect to."""
        return f"127.0.0.1:{self.listening_port}"

    def turn(self, mode: Mode) -> None:
        """Change the mode; whoever is connected feels it."""
        self.mode = mode
        if mode is Mode.REFUSE:
            self._break_all()

    async def back(self) -> None:
        """Let everything through again; what fell silent meanwhile is cut, as when a machine comes up again."""
        self.turn(Mode.PASS)
        self._break_all()
        await asyncio.sleep(0)

    async def end(self) -> None:
        """Cut every connection, and wait until that was noticed."""
        self.turn(Mode.REFUSE)
        if self._carrying:
            await asyncio.wait(self._carrying)

    def _break_all(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()
            self.broken[self.mode] += 1

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection."""
        if self.mode is Mode.REFUSE:
            writer.transport.abort()
            self.broken[self.mode] += 1
            return
        try:
            their_reader, their_writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, their_writer}
        self._open |= both
        carrying = asyncio.current_task()
        assert carrying is not None
        self._carrying.add(carrying)
        carrying.add_done_callback(self._carrying.discard)
        try:
            left = [self.random.randrange(1, self.cut_bytes)]
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._carry(reader, their_writer, left))
                tasks.create_task(self._carry(their_reader, writer, left))
        except* OSError:
            pass
        finally:
            self._open -= both
            for each in both:
                each.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, left: list[int]) -> None:
        while chunk := await reader.read(CHUNK_BYTES):
            if self.mode is Mode.SLOW:
                await asyncio.sleep(self.delay_seconds)
            self.carried_bytes += len(chunk)
            if self.mode is Mode.SILENT or self.carried_bytes > self.most_bytes:
                continue
            if self.mode is Mode.CUT:
                chunk, left[0] = chunk[: left[0]], left[0] - len(chunk)
            writer.write(chunk)
            await writer.drain()
            if self.mode is Mode.CUT and left[0] <= 0:
                self.broken[self.mode] += 1
                raise ConnectionResetError
        with contextlib.suppress(OSError):
            writer.write_eof()


@asynccontextmanager
async def proxying(port: int, *, seed: int) -> AsyncIterator[Proxy]:
    """Stand before a server of this machine for a block."""
    proxy = Proxy(port=port, random=Random(seed))
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.listening_port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.end()
