from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx

from fotofila.api.app import create_app
from fotofila.core.observability.metrics import OVERLOADED, UPLOADS_UNDER_WAY
from fotofila.testing.clock import FakeClock
from tests.api.conftest import BASE_URL, open_context

MOST = 3


class Slow:
    """A body that stops half-way until it is let go on."""

    def __init__(self) -> None:
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b'{"name": '
        self.begun.set()
        await self.go_on.wait()
        yield b'"half"}'


@asynccontextmanager
async def narrow_server(folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with open_context(folder, FakeClock(), max_uploads=MOST) as context:
        transport = httpx.ASGITransport(create_app(context), raise_app_exceptions=False, client=("127.0.0.1", 40000))
        async with httpx.AsyncClient(transport=transport, base_url=BASE_URL) as client:
            yield client


@asynccontextmanager
async def busy(client: httpx.AsyncClient, path: str) -> AsyncIterator[list[asyncio.Task[httpx.Response]]]:
    """Have as many requests under way as the server takes."""
    bodies = [Slow() for _ in range(MOST)]
    async with asyncio.TaskGroup() as tasks, AsyncExitStack() as stack:
        for body in bodies:
            stack.callback(body.go_on.set)
        asked = [tasks.create_task(client.post(path, content=body)) for body in bodies]
        await asyncio.gather(*(body.begun.wait() for body in bodies))
        yield asked


async def test_one_request_more_than_there_is_room_for_is_told_to_come_back(tmp_path: Path) -> None:
    async with narrow_server(tmp_path) as client:
        before = OVERLOADED._value.get()
        async with busy(client, "/api/session") as asked:
            assert UPLOADS_UNDER_WAY._value.get() == MOST
            refused = await client.post("/api/session", json={"username": "a", "password": "b"})
            assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
            assert "FOTOFILA_MAX_UPLOADS" in refused.json()["detail"]
            assert int(refused.headers["retry-after"]) > 0
            assert OVERLOADED._value.get() == before + 1
        assert {task.result().status_code for task in asked} == {422}
        assert UPLOADS_UNDER_WAY._value.get() == 0
        assert (await client.post("/api/session", json={"username": "a", "password": "b"})).status_code == 401


async def test_who_only_asks_is_answered_all_the_same(tmp_path: Path) -> None:
    async with narrow_server(tmp_path) as client, busy(client, "/api/session"):
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/api/session")).status_code == 401


async def test_body_that_breaks_off_makes_room(tmp_path: Path) -> None:
    async with narrow_server(tmp_path) as client:
        async with busy(client, "/api/session") as asked:
            for task in asked:
                task.cancel()
            await asyncio.wait(asked)
        assert UPLOADS_UNDER_WAY._value.get() == 0
