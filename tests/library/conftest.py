from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from fotofila.access.keys import create_key
from fotofila.access.workspaces import DEFAULT_WORKSPACE, ensure_default_workspace
from fotofila.api.app import create_app
from fotofila.bootstrap import make_context
from fotofila.core.capability import Context
from fotofila.core.config import load_settings
from tests.databases import make_tables
from tests.pipeline.conftest import pump, working

ALL = ["photos:read", "photos:write", "failures", "admin"]
SETTINGS: dict[str, Any] = {
    "capabilities": ["library", "access", "notify", "noop"],
    "ingest_kind": "noop",
    "retry_scale": 0,
    "workers": 1,
    "orphan_age_seconds": 0,
    "max_upload_bytes": 5_000_000,
    "rate_limit": "1000000/second",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """A process and a signed-in client."""

    context: Context
    client: httpx.AsyncClient

    async def work_off(self) -> None:
        """Run the pipeline until every job is over."""

        async def idle() -> bool:
            photos = (await self.client.get("/api/photos", params={"limit": 200})).json()["items"]
            return all(photo["job"]["state"] in {"done", "failed", "cancelled"} for photo in photos)

        async with working(self.context):
            await pump(self.context, idle)


@asynccontextmanager
async def open_house(folder: Path, database_url: str, **settings: Any) -> AsyncIterator[House]:
    """Build a process on a database without tables."""
    context = make_context(load_settings(data_dir=folder, database_url=database_url, **SETTINGS, **settings))
    await make_tables(context.db)
    async with context.db.write() as session:
        await ensure_default_workspace(session, now=context.clock.now(), detection="fast")
        made = await create_key(session, owner=DEFAULT_WORKSPACE, name="t", scopes=ALL, now=context.clock.now())
    transport = httpx.ASGITransport(create_app(context), client=("127.0.0.1", 40000))
    headers = {"Authorization": f"Bearer {made.secret}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000", headers=headers) as client:
        yield House(context=context, client=client)
    await context.close()


@pytest.fixture
async def house(tmp_path: Path, database_url: str) -> AsyncIterator[House]:
    async with open_house(tmp_path, database_url) as made:
        yield made


@pytest.fixture
def upload(house: House) -> Callable[..., Awaitable[httpx.Response]]:
    async def upload(content: bytes, **params: Any) -> httpx.Response:
        headers = {"Content-Type": params.pop("content_type", "image/jpeg"), **params.pop("headers", {})}
        return await house.client.post("/api/photos", content=content, params=params, headers=headers)

    return upload
