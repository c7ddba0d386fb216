from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from fotofila.access.keys import create_key
from fotofila.access.models import Workspace
from fotofila.api.app import create_app
from fotofila.core.capability import Context
from tests.library.conftest import ALL, House, house, upload

__all__ = ["house", "upload"]

STRANGER = "f" * 32


async def add_stranger(context: Context) -> str:
    """Make another workspace with a key that may do everything there."""
    now = context.clock.now()
    async with context.db.write() as session:
        session.add(Workspace(id=STRANGER, name="stranger", detection="fast", created_at=now))
        await session.flush()
        return (await create_key(session, owner=STRANGER, name="t", scopes=ALL, now=now)).secret


@pytest.fixture
async def stranger(house: House) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {await add_stranger(house.context)}"}
    transport = httpx.ASGITransport(create_app(house.context), client=("127.0.0.1", 40001))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000", headers=headers) as client:
        yield client
