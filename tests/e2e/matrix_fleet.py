"""The processes of the failure matrix: two of each role, so that for each one that dies there is another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import httpx

from fotofila.bootstrap import make_context
from fotofila.core.capability import Context
from fotofila.core.config import load_settings
from fotofila.testing.servers.process import free_ports
from tests.e2e.conftest import NOOP, make_key
from tests.e2e.kill_client import Accepted, Client, Several
from tests.e2e.matrix_hooks import Hooks, listening
from tests.e2e.matrix_parts import Parts
from tests.e2e.processes import Member, environment, members

LOOPS = ("relay", "feedback", "failures", "reconciler", "sweeper", "notify")
ROLES = ("api", *LOOPS, "worker")
LEASE_SECONDS = 2.0
THREE_LEASES = 3 * LEASE_SECONDS
REQUEST_SECONDS = 8.0
PACE: dict[str, Any] = {
    "lease_seconds": LEASE_SECONDS,
    "retry_scale": 0.05,
    "relay_interval_seconds": 0.2,
    "reconcile_interval_seconds": 1,
    "sweep_interval_seconds": 1,
    "drain_seconds": 1,
    "workers": 2,
    "rate_limit": "100000/minute",
    "webhooks_allow_private": True,
    **NOOP,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """A running fleet, who uploads to it, and a look at its parts that no fault gets in the way of."""

    members: dict[str, Member]
    url: str
    client: Client
    context: Context
    hooks: Hooks

    def of(self, role: str) -> list[Member]:
        """Return the processes of a role."""
        return [member for name, member in self.members.items() if name.rpartition("-")[0] == role]

    async def upload(self, count: int, **options: Any) -> list[Accepted]:
        """Upload photos one after the other."""
        return [await self.client.upload(**options) for _ in range(count)]


def make_members(
    folder: Path, parts: Parts, ports: Sequence[int], *, each: int, settings: dict[str, Any]
) -> list[Member]:
    """Name the processes: those that serve have everything, workers have queue and storage.

    `each` of every role; with 0, one process that has all roles, and one worker.
    """

    def member(role: str, number: int, chosen: dict[str, Any]) -> Member:
        serving = role != "worker"
        ready = {"api": '"api.listening"', "worker": '"worker.started"'}.get(role, '"serve.started"')
        return Member(
            name=f"{role}-{number}",
            arguments=("serve", "--roles", role if each else ",".join(("api", *LOOPS))) if serving else ("work",),
            ready_when=ready,
            environment=environment(**{**PACE, **(parts.serving if serving else parts.working), **settings, **chosen}),
            log=folder / f"{role}-{number}.log",
        )

    made = [member("api", number, {"port": port}) for number, port in enumerate(ports)]
    beside = [(role, number) for role in (*LOOPS, "worker") for number in range(each)] or [("worker", 0)]
    return made + [member(role, number, {}) for role, number in beside]


@asynccontextmanager
async def running_fleet(folder: Path, parts: Parts, *, each: int, seed: int, **settings: Any) -> AsyncIterator[Fleet]:
    """Run a fleet for a block; nothing of it is left after."""
    key = await make_key(**parts.looking)
    context = make_context(load_settings(**{**PACE, **parts.looking, "orphan_age_seconds": 0}))
    ports = free_ports(each or 1)
    headers = {"Authorization": f"Bearer {key}"}
    async with AsyncExitStack() as stack:
        stack.push_async_callback(context.close)
        hooks = await stack.enter_async_context(listening())
        running = stack.enter_context(members(*make_members(folder, parts, ports, each=each, settings=settings)))
        clients = [
            await stack.enter_async_context(
                httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=REQUEST_SECONDS)
            )
            for port in ports
        ]
        await asyncio.gather(*(member.wait_ready() for member in running.values()))
        client = Client(http=Several(clients), random=Random(seed))
        await tell_hooks(client, hooks)
        url = f"http://127.0.0.1:{ports[0]}"
        yield Fleet(members=running, url=url, client=client, context=context, hooks=hooks)


async def tell_hooks(client: Client, hooks: Hooks) -> None:
    """Have every end of a job told to us."""
    body = {"name": "hooks", "kind": "webhook", "url": hooks.url}
    target = (await client.request("POST", "/api/notifications/targets", json=body)).json()
    for event in ("job.done", "job.failed"):
        rule = {"event": event, "target_id": target["id"]}
        assert (await client.request("POST", "/api/notifications/rules", json=rule)).status_code == 201


async def stop_all(fleet: Fleet) -> None:
    """End every process in order; each must end well."""
    for member in fleet.members.values():
        member.is_ready()  # it lives
    codes = await asyncio.gather(*(member.terminate() for member in fleet.members.values()))
    bad = [name for name, code in zip(fleet.members, codes, strict=True) if code]
    assert not bad, f"{bad[0]}: {fleet.members[bad[0]].said[-3000:]}"
