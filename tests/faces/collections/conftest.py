from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from fotofila.access.audit import OPERATOR
from fotofila.access.keys import create_key
from fotofila.access.models import Workspace
from fotofila.access.workspaces import DEFAULT_WORKSPACE, ensure_default_workspace
from fotofila.api.app import create_app
from fotofila.bootstrap import make_context
from fotofila.core.capability import Context
from fotofila.core.config import load_settings
from fotofila.faces.collections import desk
from fotofila.faces.collections.types import Indexed
from fotofila.faces.engine.base import FaceEngine
from fotofila.testing.clock import FakeClock
from tests.databases import make_tables
from tests.faces.collections.painted import PaintedEngine, picture

OWNER = DEFAULT_WORKSPACE
STRANGER = "f" * 32
ALL = ["photos:read", "photos:write", "failures", "admin"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A process with the painted engine, and a collection `guests`."""

    context: Context
    clock: FakeClock
    client: httpx.AsyncClient
    """Of somebody who may do anything in the workspace."""

    async def index(self, *people: int | dict[str, Any], photo: int = 0, **options: Any) -> Indexed:
        image = picture(*people, photo=photo)
        return await desk.index_faces(self.context, OWNER, "guests", image, actor=OPERATOR, **options)

    async def key(self, scopes: list[str], *, owner: str = OWNER) -> str:
        async with self.context.db.write() as session:
            now = self.context.clock.now()
            return (await create_key(session, owner=owner, name="t", scopes=scopes, now=now)).secret


@asynccontextmanager
async def open_place(
    folder: Path, database_url: str, *, engine: FaceEngine | None = None, **given: Any
) -> AsyncIterator[Place]:
    """Build a process on a database without rows."""
    clock = FakeClock()
    settings = load_settings(data_dir=folder, database_url=database_url, rate_limit="1000000/second", **given)
    made = make_context(settings, clock=clock)
    context = replace(made, parts={**made.parts, "faces": engine or PaintedEngine()})
    await make_tables(context.db)
    async with context.db.write() as session:
        await ensure_default_workspace(session, now=clock.now(), detection="fast")
        session.add(Workspace(id=STRANGER, name="stranger", detection="fast", created_at=clock.now()))
        await session.flush()
        key = (await create_key(session, owner=OWNER, name="t", scopes=ALL, now=clock.now())).secret
    await desk.create_collection(context, OWNER, "guests", actor=OPERATOR)
    transport = httpx.ASGITransport(create_app(context), client=("127.0.0.1", 40000))
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000", headers=headers) as client:
        yield Place(context=context, clock=clock, client=client)
    await context.close()


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with open_place(tmp_path, f"sqlite:///{tmp_path / 'fotofila.db'}") as made:
        yield made


@pytest.fixture
async def either(tmp_path: Path, database_url: str) -> AsyncIterator[Place]:
    """The same on either database, for what is written so that it might differ."""
    async with open_place(tmp_path, database_url) as made:
        yield made
