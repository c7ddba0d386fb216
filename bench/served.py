"""A real Fotofila beside a bench, as one machine runs it: a server, a worker, and its children.

CPU seconds are the operating system's own account of each process.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import psutil

ROLES = "api,relay,feedback,failures,reconciler,sweeper,notify"
START_SECONDS = 120
STOP_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A running Fotofila."""

    url: str
    key: str
    processes: dict[str, psutil.Process]

    def client(self) -> httpx.Client:
        """Return a client that is signed in."""
        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=120, trust_env=False)

    def cpu_seconds(self) -> dict[str, float]:
        """Return the CPU seconds used so far, by process; the children that touch images count apart."""
        used = {role: cpu_of(process) for role, process in self.processes.items()}
        children = self.processes["work"].children(recursive=True)
        used["children"] = sum(cpu_of(child) for child in children)
        return used

    def peak_mb(self) -> dict[str, float]:
        """Return the resident memory now, by process, in MiB."""
        return {role: process.memory_info().rss / 2**20 for role, process in self.processes.items()}


def cpu_of(process: psutil.Process) -> float:
    """Return user and system seconds of one process."""
    times = process.cpu_times()
    return float(times.user + times.system)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def served(**settings: object) -> Iterator[Served]:
    """Start it on a temporary folder, wait until it answers, stop it at the end."""
    with tempfile.TemporaryDirectory(prefix="fotofila-bench-") as folder:
        port = free_port()
        env = {name: value for name, value in os.environ.items() if not name.startswith("FOTOFILA_")}
        env |= {f"FOTOFILA_{name.upper()}": str(value) for name, value in settings.items()}
        env |= {"FOTOFILA_DATA_DIR": folder, "FOTOFILA_RATE_LIMIT": "1000000/second", "FOTOFILA_LOG_LEVEL": "warning"}
        if models := os.environ.get("FOTOFILA_MODELS_DIR"):
            env["FOTOFILA_MODELS_DIR"] = models
        with contextlib.ExitStack() as stack:
            url = f"http://127.0.0.1:{port}"
            processes = {"serve": start(stack, env, "serve", "--roles", ROLES, "--port", str(port))}
            wait_for(url)
            processes["work"] = start(stack, env, "work")
            made = subprocess.run(
                [*command(), "keys", "create", "bench", "--scope", "photos:read", "--scope", "photos:write", "--json"],
                env=env,
                check=True,
                capture_output=True,
                text=True,
            )
            yield Served(url=url, key=json.loads(made.stdout)["key"], processes=processes)


def command() -> list[str]:
    """Return the program of this environment."""
    return [sys.executable, "-m", "fotofila.cli"]


def start(stack: contextlib.ExitStack, env: dict[str, str], *arguments: str) -> psutil.Process:
    """Start a process that ends with the stack."""
    process = subprocess.Popen([*command(), *arguments], env=env)
    stack.callback(end, process)
    return psutil.Process(process.pid)


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end, then end it."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
        return
    process.kill()
    process.wait()


def wait_for(url: str) -> None:
    """Wait until the server answers."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/readyz", timeout=5, trust_env=False).status_code == 200:
                return
        if time.monotonic() > deadline:
            raise TimeoutError(f"{url} did not answer within {START_SECONDS} seconds")
        time.sleep(0.05)
