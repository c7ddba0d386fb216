"""What only a real server and a real socket show."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import httpx
import pytest
import uvicorn
from fastapi import FastAPI, Request
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs

from fotofila.api.deps import LargeBody


class Server(uvicorn.Server):
    """Tells when it is up, and when each request has ended."""

    def __init__(self, app: FastAPI) -> None:
        self.up = asyncio.Event()
        self.ended = asyncio.Event()

        async def watched(scope: Scope, receive: Receive, send: Send) -> None:
            await app(scope, receive, send)
            self.ended.set()

        super().__init__(uvicorn.Config(watched, log_config=None, proxy_headers=False, lifespan="off"))

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()


@pytest.fixture
async def server(app: FastAPI) -> AsyncIterator[Server]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(app)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    await server.up.wait()
    yield server
    server.should_exit = True
    await task


@pytest.fixture
def address(server: Server) -> tuple[str, int]:
    host, port = server.servers[0].sockets[0].getsockname()
    return host, port


async def test_a_request_goes_through_a_real_server(address: tuple[str, int]) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{address[1]}") as client:
        assert (await client.get("/healthz")).json() == {"status": "alive"}
        head = await client.head("/")
        assert (head.status_code, head.content) == (200, b"")


async def test_an_endless_body_is_hung_up_on(address: tuple[str, int]) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"a" * 65536

    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{address[1]}", timeout=20) as client:
        # Where the server hangs up while we still write, its answer may be lost on the way.
        with contextlib.suppress(httpx.NetworkError, httpx.RemoteProtocolError):
            response = await client.post(
                "/api/session", content=endless(), headers={"content-type": "application/json"}
            )
            assert response.status_code == 413


@pytest.mark.parametrize("chunked", [True, False])
async def test_who_sends_too_much_is_told_so(address: tuple[str, int], *, chunked: bool) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b"a" * 65536

    content = parts() if chunked else b"a" * (4 * 1024 * 1024)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{address[1]}", timeout=20) as client:
        response = await client.post("/api/session", content=content, headers={"content-type": "application/json"})

    assert (response.status_code, response.json()["code"]) == (413, "too_large")


async def test_an_upload_that_is_cut_off_is_no_crash(app: FastAPI, server: Server, address: tuple[str, int]) -> None:
    @app.post("/api/sink", dependencies=[LargeBody])
    async def sink(request: Request) -> int:
        return sum([len(chunk) async for chunk in request.stream()])

    with capture_logs() as logs:
        _, writer = await asyncio.open_connection(*address)
        writer.write(b"POST /api/sink HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n\r\nabc")
        await writer.drain()
        writer.close()
        async with asyncio.timeout(20):
            await server.ended.wait()

    (entry,) = [entry for entry in logs if entry["event"] == "http.request"]
    assert entry["status"] < 500
    assert not any(entry["event"] == "http.crashed" for entry in logs)
