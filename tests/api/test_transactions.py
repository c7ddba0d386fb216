"""A client that was told it is done can rely on it: the commit comes before the first byte of the answer."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import event, text
from structlog.testing import capture_logs

from fotofila.api.deps import ReadSession, WriteSession
from fotofila.core.capability import Context


async def test_the_commit_comes_before_the_answer(context: Context, app: FastAPI) -> None:
    order: list[str] = []
    event.listen(context.db.engine.sync_engine, "commit", lambda _connection: order.append("commit"))

    @app.post("/api/write")
    async def write(session: WriteSession) -> str:
        await session.execute(text("UPDATE workspaces SET name = 'written'"))
        order.append("route")
        return "done"

    async def send(message: dict[str, object]) -> None:
        order.append(str(message["type"]))

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/api/write",
        "raw_path": b"/api/write",
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
    }
    await app(scope, receive, send)  # type: ignore[arg-type]

    written = order[order.index("route") :]  # what was counted before is another transaction
    assert written[:3] == ["route", "commit", "http.response.start"]


async def test_an_error_takes_everything_back(context: Context, app: FastAPI, client: httpx.AsyncClient) -> None:
    @app.post("/api/write")
    async def write(session: WriteSession) -> str:
        await session.execute(text("UPDATE workspaces SET name = 'written'"))
        message = "after the write"
        raise RuntimeError(message)

    with capture_logs():
        response = await client.post("/api/write")

    assert response.status_code == 500
    async with context.db.read() as session:
        assert await session.scalar(text("SELECT name FROM workspaces")) == "default"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_commit_that_fails_is_no_success(context: Context, app: FastAPI, client: httpx.AsyncClient) -> None:
    @app.post("/api/write")
    async def write(session: WriteSession) -> str:
        await session.execute(text("PRAGMA defer_foreign_keys = ON"))
        await session.execute(
            text("INSERT INTO users (id, owner, username, role, created_at) VALUES ('u', 'nobody', 'u', 'viewer', '')")
        )
        return "done"

    with capture_logs():
        assert (await client.post("/api/write")).status_code == 409


async def test_readers_do_not_wait_for_a_writer(context: Context, app: FastAPI, client: httpx.AsyncClient) -> None:
    @app.get("/api/read")
    async def read(session: ReadSession) -> str:
        return str(await session.scalar(text("SELECT name FROM workspaces")))

    async with context.db.write() as session:
        await session.execute(text("UPDATE workspaces SET name = 'not yet'"))
        async with asyncio.timeout(20):  # both databases give up after 30
            response = await client.get("/api/read")

    assert response.json() == "default"
