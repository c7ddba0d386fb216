"""Fotofila with every role in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

from bench.pipeline_parts import Parts
from bench.pipeline_processes import Fleet, clean_env, start
from bench.served import command, free_port, wait_for

ROLES = {"api": "api", "relay": "relay", "feedback": "feedback", "others": "failures,reconciler,sweeper,notify"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where photos go, and with what key."""

    host: str
    port: int
    headers: dict[str, str]
    path: str = "/api/photos"


@contextlib.contextmanager
def running(parts: Parts, *, kind: str, workers: int) -> Iterator[tuple[Address, Fleet]]:
    """Start every role and so many workers with one child each; they end with the block."""
    port, env = free_port(), {**clean_env(), **parts.env}
    env |= {
        "FOTOFILA_DATA_DIR": str(parts.folder),
        "FOTOFILA_RATE_LIMIT": "1000000/second",
        "FOTOFILA_LOG_LEVEL": "warning",
        "FOTOFILA_PORT": str(port),
        "FOTOFILA_WORKERS": "1",
    }
    if kind == "noop":
        env |= {"FOTOFILA_CAPABILITIES": "library,access,notify,noop", "FOTOFILA_INGEST_KIND": "noop"}
    if models := os.environ.get("FOTOFILA_MODELS_DIR"):
        env["FOTOFILA_MODELS_DIR"] = models
    fleet = Fleet()
    with contextlib.ExitStack() as stack:
        subprocess.run([*command(), "migrate"], env=env, check=True, capture_output=True)
        for role, names in ROLES.items():
            start(stack, fleet, role, [*command(), "serve", "--roles", names], env)
        for _ in range(workers):
            start(stack, fleet, "worker", [*command(), "work"], env, child_role="children")
        wait_for(f"http://127.0.0.1:{port}")
        scopes = [part for scope in ("photos:read", "photos:write", "failures") for part in ("--scope", scope)]
        create = [*command(), "keys", "create", "bench", *scopes, "--json"]
        key = json.loads(subprocess.run(create, env=env, check=True, capture_output=True, text=True).stdout)["key"]
        for name, server in parts.servers.items():
            fleet.add(f"server:{name}", server.pid)
        yield Address(host="127.0.0.1", port=port, headers={"Authorization": f"Bearer {key}"}), fleet
