"""A server as a process that tests start, stop, kill, freeze and start again."""

from __future__ import annotations

import atexit
import ctypes
import shutil
import signal
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import cycle
from pathlib import Path
from random import SystemRandom
from typing import Self

import psutil

LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
PR_SET_PDEATHSIG = 1
STARTER = ThreadPoolExecutor(max_workers=1)
"""The thread that starts servers: Linux takes the end of the thread that started a process for its parent's."""
START_SECONDS = 60
STOP_SECONDS = 15
PORTS = range(20_000, 32_000)
"""Below those that systems give to whoever asks for any: who is killed and started again finds its port still free."""
TURN = cycle(SystemRandom().sample(PORTS, len(PORTS)))
"""None is given twice; not by `random` itself, which is seeded alike in processes that test side by side."""


class ServerError(Exception):
    """A server is not installed, or did not start; the sentence says which and why."""


class Server(ABC):
    """One server with a folder of its own; it keeps its port and its data when it is started again."""

    name: str
    stop_signal = signal.SIGTERM

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.log = folder / f"{self.name}.log"
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """How a client names it."""

    @abstractmethod
    def command(self) -> Sequence[str]:
        """Return the command line that runs it in the foreground."""

    @abstractmethod
    def ready(self) -> bool:
        """Say whether it serves."""

    @property
    def user(self) -> int | None:
        """The user id that it runs as; None for ours."""
        return None

    @property
    def pid(self) -> int:
        """The process that was started; it leads a session of its own."""
        assert self._process is not None, f"{self.name} was not started"
        return self._process.pid

    def start(self) -> Self:
        """Start it and wait until it serves.

        Raises:
            ServerError: it ended, or does not serve within a minute; its last words are in the sentence.
        """
        with self.log.open("ab") as log:
            self._process = STARTER.submit(
                subprocess.Popen[bytes],
                list(self.command()),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                user=self.user,
                start_new_session=True,
                preexec_fn=die_with_us,
            ).result()
        atexit.register(self.kill)
        deadline = time.monotonic() + START_SECONDS
        while not self.ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise ServerError(f"{self.name} did not start: {self.log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.02)
        return self

    def stop(self) -> None:
        """Ask it to end, and wait."""
        if self._process is not None:
            self._process.send_signal(self.stop_signal)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
        self.kill()

    def kill(self) -> None:
        """End it and all that it started, as a power cut does."""
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()
            self._process = None
        atexit.unregister(self.kill)

    def pause(self) -> None:
        """Freeze it: its connections stay open and nothing answers, from the moment that this returns."""
        deadline = time.monotonic() + START_SECONDS
        for process in self._signal(signal.SIGSTOP):
            while not is_frozen(process) and time.monotonic() < deadline:
                time.sleep(0.002)

    def resume(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> list[psutil.Process]:
        """Send a signal to it and to all that it started, and return them."""
        told: list[psutil.Process] = []
        if self._process is None:
            return told
        with suppress(psutil.NoSuchProcess):
            started = psutil.Process(self._process.pid)
            for process in [started, *started.children(recursive=True)]:  # PostgreSQL's leave its group
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(number)
                    told.append(process)
        return told

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.resume()
        self.stop()


def die_with_us() -> None:
    """Have the system end this process when the one that started it ends, even by a signal (Linux)."""
    if LIBC is not None:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def free_port() -> int:
    """Return a port of loopback that nobody uses now."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """Return different ports of loopback that nobody uses now."""
    free: list[int] = []
    while len(free) < count:
        port = next(TURN)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            free.append(port)
    return free


def answers(port: int) -> bool:
    """Say whether somebody accepts connections at a port of loopback."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def program(name: str, *, wheel: str) -> str:
    """Return the path of a program that a wheel put beside this Python, or of one on PATH.

    Raises:
        ServerError: there is none.
    """
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise ServerError(
            f"{name} is not installed: pip install {wheel}, or complete the environment by make test-deps."
        )
    return found


def is_frozen(process: psutil.Process) -> bool:
    """Say whether a process does nothing any more: a thread that runs on another core is stopped a moment later."""
    threads = Path(f"/proc/{process.pid}/task")
    if not threads.is_dir():  # no Linux, or it ended
        return not process.is_running() or process.status() == psutil.STATUS_STOPPED
    try:
        states = [(thread / "stat").read_text().rpartition(")")[2].split()[0] for thread in threads.iterdir()]
    except (FileNotFoundError, ProcessLookupError):  # one ended meanwhile: look again
        return False
    return all(state in "TtZX" for state in states)
