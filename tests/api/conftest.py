from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from fotofila.access.keys import create_key
from fotofila.access.workspaces import DEFAULT_WORKSPACE, ensure_default_workspace
from fotofila.api.app import create_app
from fotofila.bootstrap import make_context
from fotofila.core.capability import Context
from fotofila.core.config import load_settings
from fotofila.testing.clock import FakeClock
from tests.databases import make_tables

BASE_URL = "http://127.0.0.1:8000"


@asynccontextmanager
async def open_context(folder: Path, clock: FakeClock, **settings: Any) -> AsyncIterator[Context]:
    """Open a process with empty tables and the first user, as its first start leaves it."""
    chosen = load_settings(data_dir=folder, capabilities=["library", "access"], **settings)
    context = make_context(chosen, clock=clock)
    await make_tables(context.db)
    async with context.db.write() as session:
        await ensure_default_workspace(session, now=clock.now(), detection=chosen.detection)
    try:
        yield context
    finally:
        await context.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def context(tmp_path: Path, clock: FakeClock, database_url: str) -> AsyncIterator[Context]:
    async with open_context(tmp_path, clock, database_url=database_url) as context:
        yield context


@pytest.fixture
def app(context: Context) -> FastAPI:
    return create_app(context)


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=("127.0.0.1", 40000))
    async with httpx.AsyncClient(transport=transport, base_url=BASE_URL) as client:
        yield client


@pytest.fixture
async def key(context: Context) -> str:
    scopes = ["photos:read", "photos:write", "failures", "admin"]
    async with context.db.write() as session:
        made = await create_key(session, owner=DEFAULT_WORKSPACE, name="test", scopes=scopes, now=context.clock.now())
    return made.secret


@pytest.fixture
def auth(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}
