"""A pool of sandboxed children, kept warm: a model is loaded once per child, not once per photo."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fotofila.core.errors import FotofilaError
from fotofila.core.observability.logs import get_logger
from fotofila.core.observability.metrics import CHILDREN_KILLED
from fotofila.worker.answers import with_contents
from fotofila.worker.errors import BusyError, CrashedError, TimedOutError
from fotofila.worker.frames import pack, receive_frame

log = get_logger(__name__)

JOBS_PER_CHILD = 2000
"""A child is replaced after so many jobs: decoders leak now and then."""
STDERR_LINES = 40
CHUNK_BYTES = 4096
BUFFER_BYTES = 1024 * 1024
"""So much of an answer is taken before its reader must ask for more."""
LAST_WORDS_SECONDS = 1.0
"""How long a child's standard error is read after its death."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A job for a child."""

    work: str
    args: Mapping[str, Any]
    original: Path
    folder: Path
    models_dir: Path
    media_type: str = ""

    def frame(self) -> bytes:
        """Write as a frame."""
        return pack(
            {
                "work": self.work,
                "args": self.args,
                "original": str(self.original),
                "folder": str(self.folder),
                "models_dir": str(self.models_dir),
                "media_type": self.media_type,
            }
        )


@dataclass(slots=True, kw_only=True, eq=False)
class Child:
    """A running child."""

    process: asyncio.subprocess.Process
    stderr: asyncio.Task[None]
    tail: deque[str]
    jobs: int = field(default=0)


class ChildPool:
    """Up to `size` children; each serves one request at a time."""

    def __init__(self, *, size: int, memory_mb: int, seconds: float) -> None:
        self.size = size
        self._memory_mb = memory_mb
        self._seconds = seconds
        self._free = asyncio.Semaphore(size)
        self._idle: list[Child] = []
        self._all: set[Child] = set()

    async def run(
        self, request: Request, *, on_progress: Callable[[float], None] | None = None, wait_seconds: float | None = None
    ) -> dict[str, Any]:
        """Run a request in a child and return its answer.

        Raises:
            BusyError: no child was free within `wait_seconds`.
            TimedOutError: it took longer than the pool allows; the child was killed.
            CrashedError: the child ended without an answer.
        """
        async with self._slot(wait_seconds):
            child = await self._take_idle() or await self._spawn()
            try:
                async with asyncio.timeout(self._seconds):
                    answer = await self._ask(child, request, on_progress)
            except TimeoutError as error:
                CHILDREN_KILLED.labels("timed_out").inc()
                message = f"The work took longer than {self._seconds:g} seconds and was stopped (FOTOFILA_JOB_SECONDS)."
                raise TimedOutError(message) from error
            except (asyncio.IncompleteReadError, ConnectionError, ValueError, TypeError, KeyError) as error:
                raise await self._crash(child) from error
            else:
                child.jobs += 1
                if child.jobs < JOBS_PER_CHILD:
                    self._idle.append(child)
                return answer
            finally:
                if child not in self._idle:
                    await self._end(child)

    @asynccontextmanager
    async def _slot(self, wait_seconds: float | None) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(wait_seconds):
                await self._free.acquire()
        except TimeoutError as error:
            message = "Every worker of this machine is busy: try again in a moment."
            raise BusyError(message, headers={"Retry-After": "2"}) from error
        try:
            yield
        finally:
            self._free.release()

    async def _take_idle(self) -> Child | None:
        """Return a child that waits for work; those that died meanwhile are no fault of the next job's."""
        while self._idle:
            child = self._idle.pop()
            if child.process.returncode is None:
                return child
            await self._end(child)
        return None

    async def _ask(self, child: Child, request: Request, on_progress: Callable[[float], None] | None) -> dict[str, Any]:
        stdin, stdout = child.process.stdin, child.process.stdout
        assert stdin is not None  # noqa: S101 - a pipe, as `_spawn` asked for
        assert stdout is not None  # noqa: S101
        stdin.write(request.frame())
        await stdin.drain()
        while True:
            frame = await receive_frame(stdout)
            if "outcome" in frame:
                return with_contents(frame)
            if on_progress is not None:
                on_progress(float(frame["progress"]))

    async def _spawn(self) -> Child:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-m",
            "fotofila.worker.child",
            str(self._memory_mb),
            str(os.getpid()),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={},
            cwd="/",
            limit=BUFFER_BYTES,
            start_new_session=True,  # Ctrl-C is for the worker, which lets its children finish
        )
        tail: deque[str] = deque(maxlen=STDERR_LINES)
        child = Child(process=process, stderr=asyncio.create_task(keep_tail(process, tail)), tail=tail)
        self._all.add(child)
        return child

    async def _crash(self, child: Child) -> FotofilaError:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2):
                await child.process.wait()
        await asyncio.wait([child.stderr], timeout=LAST_WORDS_SECONDS)
        code = child.process.returncode
        reason = why(code)
        CHILDREN_KILLED.labels(reason).inc()
        log.warning("child.crashed", reason=reason, stderr=list(child.tail)[-5:])
        what = "gave no answer that can be read" if code is None else f"ended unexpectedly ({reason})"
        error = CrashedError(f"The program that reads the picture {what}; it is tried again.")
        error.add_note("\n".join(child.tail))
        return error

    async def _end(self, child: Child) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.process.pid, signal.SIGKILL)  # and whatever it may have started
        await child.process.wait()
        await asyncio.wait([child.stderr], timeout=LAST_WORDS_SECONDS)
        child.stderr.cancel()
        self._all.discard(child)

    async def close(self) -> None:
        """Kill every child."""
        self._idle.clear()
        for child in list(self._all):
            await self._end(child)


def why(code: int | None) -> str:
    """Say in a word or two how a child ended; one that lives on said what was no answer."""
    if code is None:
        return "no answer"
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


async def keep_tail(process: asyncio.subprocess.Process, tail: deque[str]) -> None:
    """Keep the last lines that a child wrote to standard error: they tell why it died."""
    assert process.stderr is not None  # noqa: S101 - a pipe
    while chunk := await process.stderr.read(CHUNK_BYTES):  # not by lines: what has no end would never be read
        tail.extend(line[:500] for line in chunk.decode("utf-8", "replace").splitlines())
