"""Real processes of Fotofila, started, killed and started again."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

READY_SECONDS = 180
"""Longest start: this machine may be busy with much else, another fleet among it."""
STOP_SECONDS = 40
LOOK_SECONDS = 0.02


class EndedError(Exception):
    """A process ended although nobody asked it to."""


@dataclass(slots=True, kw_only=True, eq=False)
class Member:
    """One process that is started again after each kill."""

    name: str
    arguments: tuple[str, ...]
    ready_when: str
    environment: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0
    exits: list[str] = field(default_factory=list)
    _offset: int = 0

    def start(self) -> None:
        """Start it; its log goes on in the same file."""
        self._offset = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "fotofila.cli", *self.arguments],
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.starts += 1

    @property
    def said(self) -> str:
        """What it logged since its last start."""
        with self.log.open("rb") as log:
            log.seek(self._offset)
            return log.read().decode("utf-8", "replace")

    @property
    def running(self) -> subprocess.Popen[bytes]:
        """The process, which must have been started."""
        assert self.process is not None, self.name
        return self.process

    def is_ready(self) -> bool:
        """Say whether it works; one that ended by itself is an error."""
        if self.running.poll() is not None:
            raise EndedError(f"{self.name} ended with {self.running.returncode}:\n{self.said[-3000:]}")
        return self.ready_when in self.said

    async def wait_ready(self) -> None:
        """Wait until it works."""
        await until(self.is_ready, seconds=READY_SECONDS)

    def event(self, name: str) -> dict[str, object]:
        """Return a line of its log by the event's name."""
        lines = [line for line in self.said.splitlines() if f'"{name}"' in line]
        found: dict[str, object] = json.loads(lines[-1])
        return found

    def children(self) -> list[psutil.Process]:
        """Return its sandboxed children."""
        try:
            return [child for child in psutil.Process(self.running.pid).children() if child.is_running()]
        except psutil.NoSuchProcess:
            return []

    def kill(self) -> None:
        """`kill -9`."""
        self.running.kill()
        self.running.wait()

    def freeze(self) -> None:
        """Stop it in the middle of whatever it does; its connections and locks stay."""
        self.running.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on as if no time had passed."""
        self.running.send_signal(signal.SIGCONT)

    async def terminate(self) -> int:
        """Ask it to stop, wait until it did, return its exit code."""
        self.running.send_signal(signal.SIGTERM)
        await until(lambda: self.running.poll() is not None, seconds=STOP_SECONDS)
        return int(self.running.returncode)


async def until(condition: Callable[[], object], *, seconds: float) -> None:
    """Wait until something outside this process is so."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - no event tells of another process
            await asyncio.sleep(LOOK_SECONDS)


def environment(**settings: object) -> dict[str, str]:
    """Return our environment without any setting of ours but these, given without their prefix."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FOTOFILA_")}
    return kept | {f"FOTOFILA_{name.upper()}": str(value) for name, value in settings.items()}


@contextmanager
def members(*every: Member) -> Iterator[dict[str, Member]]:
    """Start processes; whatever happens in the block, none is left."""
    try:
        for member in every:
            member.start()
        yield {member.name: member for member in every}
    finally:
        for member in every:
            if member.process is not None and member.process.poll() is None:
                member.kill()
