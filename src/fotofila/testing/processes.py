"""Processes that a conformance test starts and kills: each runs one async function and can be told from afar."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any

ANSWER_SECONDS = 60
"""Longest wait for a process to say something: it has to start a Python first."""

Play = Callable[..., Coroutine[Any, Any, None]]
"""`async play(say, *arguments)`: runs in the process; what it gives to `say` is what `hear` returns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A process that plays a part."""

    process: SpawnProcess
    pipe: Connection

    async def hear(self) -> Any:
        """Return the next thing that the process says.

        Raises:
            TimeoutError: it said nothing for a minute.
            EOFError: it ended.
        """
        if not await asyncio.to_thread(self.pipe.poll, ANSWER_SECONDS):
            raise TimeoutError("a process that a test started says nothing")
        return self.pipe.recv()

    def kill(self) -> None:
        """End it as `kill -9` does, and wait until it is gone."""
        self.process.kill()
        self.process.join()


@contextmanager
def acting(play: Play, *arguments: Any) -> Iterator[Actor]:
    """Run `play` in a fresh process for the length of a block; it is killed at the end."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=perform, args=(theirs, play, arguments), daemon=True)
    process.start()
    theirs.close()
    actor = Actor(process=process, pipe=ours)
    try:
        yield actor
    finally:
        actor.kill()
        process.close()
        ours.close()


def perform(pipe: Connection, play: Play, arguments: tuple[Any, ...]) -> None:
    """Run in the process."""
    asyncio.run(play(pipe.send, *arguments))
