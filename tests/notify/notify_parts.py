"""What the tests of notifications are made with: a clock that is set, servers that are real."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from fotofila.core.capability import Capability, Context, Kinds, Principal
from fotofila.core.config import Settings
from fotofila.core.crypto import SecretKeys
from fotofila.core.db import Database
from fotofila.core.errors import UnauthenticatedError
from fotofila.core.events.service import append_event
from fotofila.core.ids import new_id
from fotofila.notify import capability, rules, targets
from fotofila.notify.collect import collect
from fotofila.notify.dispatch import Dispatcher
from fotofila.notify.models import Notification, Rule, Target
from fotofila.notify.webhooks import WebhookSender

OWNER, STRANGER = "a" * 32, "b" * 32
START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class FakeClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        return self.at

    def move(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


async def by_key(_context: Context, headers: Any, _cookies: Any) -> Principal:
    """Know two owners and a viewer by their keys."""
    known = {
        "owner": (OWNER, {"photos:read", "photos:write", "failures", "admin"}),
        "stranger": (STRANGER, {"photos:read", "photos:write", "failures", "admin"}),
        "viewer": (OWNER, {"photos:read"}),
    }
    if (found := known.get(headers.get("x-api-key", ""))) is None:
        raise UnauthenticatedError("Send a key.")
    return Principal(owner=found[0], scopes=frozenset(found[1]), key_id=headers["x-api-key"])


def make_context(db: Database, clock: FakeClock, *capabilities: Capability, **settings: Any) -> Context:
    """Make a context with the parts that notifications use."""
    values: dict[str, Any] = dict.fromkeys((each.name for each in fields(Context)), None)
    values.update(
        settings=Settings(**settings),
        clock=clock,
        db=db,
        secret_keys=SecretKeys.parse("k" * 32),
        kinds=Kinds(()),
        capabilities=capabilities or (capability,),
        authenticate=by_key,
        roles=frozenset({"api", "notify"}),
    )
    return Context(**values)


@dataclass
class Request:
    """What a server was sent."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Answer:
    """What a server says."""

    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass
class Receiver:
    """A real HTTP server: says the next scripted answer, or 204, and keeps what it was sent."""

    port: int = 0
    requests: list[Request] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    server_names: list[str] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    hold: asyncio.Event | None = None
    connections: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                headers = {name.lower(): value for name, _, value in (row.partition(": ") for row in head[1:] if row)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                self.requests.append(Request(head[0], headers, body))
                self.arrived.set()
                if self.hold is not None:
                    await self.hold.wait()
                answer = self.answers.pop(0) if self.answers else Answer()
                rows = [f"HTTP/1.1 {answer.status} -", *(f"{name}: {value}" for name, value in answer.headers.items())]
                if answer.status != 204:
                    rows.append(f"content-length: {len(answer.body)}")
                writer.write("\r\n".join([*rows, "", ""]).encode() + answer.body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def receiving(ssl_context: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """Run a receiver."""
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=ssl_context)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        await asyncio.sleep(0)


def verify(request: Request, secret: str) -> bool:
    """Check a signature as a receiver does, from the text of the standard and not with our code."""
    key = base64.b64decode(secret.split("_", 1)[1])
    signed = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
    wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return f"v1,{wanted}" in request.headers["webhook-signature"].split(" ")


@dataclass
class House:
    """A workspace with notifications, and both hands of the loop."""

    context: Context
    clock: FakeClock

    async def webhook(self, url: str, *, owner: str = OWNER) -> tuple[Target, str]:
        address = await targets.check_url("webhook", url, self.context.settings)
        return await self._target("webhook", address, owner)

    async def apprise(self, url: str) -> Target:
        address = await targets.check_url("apprise", url, self.context.settings)
        return (await self._target("apprise", address, OWNER))[0]

    async def _target(self, kind: Any, address: targets.Address, owner: str) -> tuple[Target, str]:
        async with self.context.db.write() as session:
            target, secret = await targets.create_target(
                session,
                self.context.secret_keys,
                owner=owner,
                name="Mine",
                kind=kind,
                address=address,
                enabled=True,
                now=self.clock.now(),
            )
        return target, secret or ""

    async def rule(self, target: Target, event: str = "job.done", quiet_seconds: int = 0) -> Rule:
        async with self.context.db.write() as session:
            return await rules.create_rule(
                session, target, event=event, quiet_seconds=quiet_seconds, enabled=True, now=self.clock.now()
            )

    async def happen(
        self, event_type: str = "job.done", *, owner: str = OWNER, times: int = 1, data: dict[str, Any] | None = None
    ) -> None:
        async with self.context.db.write() as session:
            for _ in range(times):
                await append_event(
                    session,
                    owner=owner,
                    event_type=event_type,
                    at=self.clock.now(),
                    photo_id=new_id(),
                    job_id=new_id(),
                    data=data,
                )

    async def collect(self) -> None:
        while await collect(self.context):
            pass

    async def send(self, sender: WebhookSender | None = None) -> int:
        """Send all that is due; returns how many attempts were made."""
        attempts = 0
        async with Dispatcher(self.context, webhooks=sender) as dispatcher:
            while claims := await dispatcher.claim():
                attempts += len(claims)
                for claim in claims:
                    await dispatcher.deliver(claim)
        return attempts

    async def log(self) -> list[Notification]:
        async with self.context.db.read() as session:
            return list(await session.scalars(select(Notification).order_by(Notification.id)))

    async def rows(self, query: Any) -> list[Any]:
        async with self.context.db.read() as session:
            return list(await session.scalars(query))


HouseMaker = Callable[..., House]
