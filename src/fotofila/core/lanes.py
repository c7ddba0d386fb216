"""Threads that are visited from event loops."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from contextvars import copy_context
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")


class Lane:
    """Daemon threads, one where nothing else is said, that do one thing after the other for tasks of any event loop.

    A visit to one costs two thirds of what `asyncio.to_thread` does.
    """

    def __init__(self, name: str, *, threads: int = 1) -> None:
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads = [threading.Thread(target=self._serve, name=name, daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def _serve(self) -> None:
        while (work := self._work.get()) is not None:
            work()
            del work

    def is_here(self) -> bool:
        """Say whether we are on its first thread, which of most is the only one."""
        return threading.get_ident() == self._threads[0].ident

    def run(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """Have something done, in the context of the caller; what it returns or raises comes back in the future."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        context = copy_context()

        def call() -> None:
            result: Any = None
            raised: BaseException | None = None
            try:
                result = context.run(work)
            except BaseException as error:  # noqa: BLE001 - it is raised again where it is awaited
                raised = error
            with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits any more
                loop.call_soon_threadsafe(settle, future, result, raised)

        self._work.put(call)
        return future

    def end(self) -> None:
        """Let the threads end once everything before is done."""
        for _ in self._threads:
            self._work.put(None)


def settle(future: asyncio.Future[T], result: T, raised: BaseException | None) -> None:
    """End a future, unless its task was cancelled meanwhile."""
    if future.cancelled():
        return
    if raised is None:
        future.set_result(result)
    else:
        future.set_exception(raised)
