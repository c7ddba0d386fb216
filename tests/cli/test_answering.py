from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from starlette.types import Receive, Scope, Send

from fotofila.cli.answering import Server, make_server

EVER = 60.0


class Waiting:
    """An application that says when it was asked, and answers when it is let."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.may_answer = asyncio.Event()

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        self.asked.set()
        await self.may_answer.wait()
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"answered"})


@asynccontextmanager
async def served(app: Waiting) -> AsyncIterator[tuple[Server, asyncio.Task[None], httpx.AsyncClient]]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = make_server(app)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with httpx.AsyncClient(base_url=url, timeout=EVER, trust_env=False) as client, asyncio.timeout(EVER):
        yield server, serving, client


async def test_request_under_way_is_answered_before_the_server_leaves() -> None:
    app = Waiting()
    async with served(app) as (server, serving, client):
        asking = asyncio.create_task(client.get("/"))
        await app.asked.wait()
        server.leave()
        server.leave()
        assert not serving.done()
        app.may_answer.set()
        answer = await asking
        await serving
    assert (answer.status_code, answer.text) == (200, "answered")
    assert answer.headers["date"].endswith("GMT")


async def test_connection_that_is_kept_for_later_holds_nobody_up() -> None:
    app = Waiting()
    app.may_answer.set()
    async with served(app) as (server, serving, client):
        answer = await client.get("/")
        server.leave()
        await serving
        assert (answer.text, serving.exception()) == ("answered", None)


async def test_server_that_is_told_before_it_began_does_not_stay() -> None:
    async with served(app := Waiting()) as (server, serving, _client):
        server.leave()
        await serving
        assert serving.exception() is None
    assert not app.asked.is_set()
