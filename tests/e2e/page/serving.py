"""A real `fotofila serve` in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from fotofila.testing.servers.process import free_port

START_SECONDS = 60.0
STOP_SECONDS = 30.0
FIRST_USER = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """Where it answers, and how to run another command on its data."""

    url: str
    environment: dict[str, str]

    def command(self, *arguments: str) -> str:
        """Run `fotofila …` on the same data folder; returns what it printed."""
        ran = subprocess.run(
            [sys.executable, "-m", "fotofila.cli", *arguments],
            env=self.environment,
            check=True,
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
        )
        return ran.stdout.strip()

    def sign_in_link(self) -> str:
        """Return a link that signs the first user in, once."""
        return self.command("users", "link", FIRST_USER).splitlines()[-1]


@contextmanager
def serving(folder: Path, *, settings: Mapping[str, str] | None = None, port: int | None = None) -> Iterator[Serving]:
    """Run it until the block ends; workers are beside it."""
    port = port or free_port()
    environment = os.environ | {
        "FOTOFILA_DATA_DIR": str(folder / "data"),
        "FOTOFILA_PORT": str(port),
        "FOTOFILA_LOGIN_RATE_LIMIT": "1000/minute",
        "FOTOFILA_WORKERS": "1",
        **(settings or {}),
    }
    at = Serving(url=f"http://127.0.0.1:{port}", environment=environment)
    with (folder / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "fotofila.cli", "serve"], env=environment, stdout=log, stderr=log
        )
    try:
        wait_until_ready(at.url, process, folder / "serve.log")
        yield at
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait for `/readyz`; raises RuntimeError with the log when the server ends, or does not get ready."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{url}/readyz").is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)  # the condition is another process's
    raise RuntimeError(f"fotofila serve did not get ready:\n{log.read_text()[-4000:]}")
