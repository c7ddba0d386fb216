"""The same way of a photo as users of Celery and of Dramatiq build it: uvicorn and a worker of so many processes."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.pipeline_fleet import Address
from bench.pipeline_parts import Parts
from bench.pipeline_processes import Fleet, clean_env, start
from bench.served import free_port, wait_for

PEERS = ("celery", "dramatiq")
CLIENTS = ("botocore", "obstore")


@contextlib.contextmanager
def running_peer(peer: str, parts: Parts, *, workers: int, clients: str) -> Iterator[tuple[Address, Fleet]]:
    """Start a peer; it ends with the block."""
    port, fleet = free_port(), Fleet()
    env = {
        **clean_env(),
        **parts.env,
        "PEER": peer,
        "PEER_CLIENTS": clients,
        "TMPDIR": str(parts.folder),
        "PYTHONPATH": str(Path(__file__).parent.parent),
    }
    web = ["uvicorn", "bench.peers_web:app", "--port", str(port), "--log-level", "warning", "--no-access-log"]
    with contextlib.ExitStack() as stack:
        start(stack, fleet, "api", [sys.executable, "-m", *web], env)
        start(stack, fleet, "worker", [sys.executable, "-m", *worker_command(peer, workers)], env)
        wait_for(f"http://127.0.0.1:{port}")
        for name, server in parts.servers.items():
            fleet.add(f"server:{name}", server.pid)
        yield Address(host="127.0.0.1", port=port, headers={}, path="/photos"), fleet


def worker_command(peer: str, workers: int) -> list[str]:
    """Return how a peer's worker is started, one task at a time in each process."""
    if peer == "celery":
        return ["celery", "-A", "bench.peers_celery", "worker", "--concurrency", str(workers), "--loglevel", "WARNING"]
    return ["dramatiq", "bench.peers_dramatiq", "--processes", str(workers), "--threads", "1"]
