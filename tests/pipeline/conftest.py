from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.bootstrap import make_context
from fotofila.core.capability import Context, Principal
from fotofila.core.config import load_settings
from fotofila.feedback import failures, relay, results
from fotofila.library.add import Added, add_photo
from fotofila.library.ingest import Limits, receive
from fotofila.testing.pictures import jpeg
from fotofila.worker.loop import run_worker
from tests.databases import make_tables

OWNER = "0" * 31 + "1"
PRINCIPAL = Principal(owner=OWNER, scopes=frozenset({"photos:write"}))


@pytest.fixture
async def context(tmp_path: Path, database_url: str) -> AsyncIterator[Context]:
    settings = load_settings(
        database_url=database_url,
        data_dir=tmp_path,
        capabilities=["library", "noop"],
        ingest_kind="noop",
        retry_scale=0,
        workers=2,
        orphan_age_seconds=0,
    )

    async def authenticate(context: Context, headers: Mapping[str, str], cookies: Mapping[str, str]) -> Principal:
        return PRINCIPAL

    async def retention(session: AsyncSession) -> Mapping[str, timedelta]:
        return {}

    made = make_context(settings, authenticate=authenticate, retention=retention)
    await make_tables(made.db)
    yield made
    await made.close()


@pytest.fixture
def add(context: Context) -> Callable[..., Awaitable[Added]]:
    async def add(orders: bytes = b"", **options: Any) -> Added:
        async def body() -> AsyncIterator[bytes]:
            yield jpeg(comment=orders)

        received = await receive(
            context.storage,
            body(),
            owner=OWNER,
            filename="a.jpg",
            declared_type="image/jpeg",
            limits=Limits(max_bytes=10**7, max_pixels=10**8),
        )
        async with context.db.write() as session:
            return await add_photo(session, context, PRINCIPAL, received, batch_id=options.get("batch_id"))

    return add


@asynccontextmanager
async def working(context: Context) -> AsyncIterator[None]:
    """Run a real worker with real children beside the test."""
    stop = asyncio.Event()
    task = asyncio.create_task(
        run_worker(
            settings=context.settings,
            clock=context.clock,
            queue=context.queue,
            storage=context.storage,
            kinds=context.kinds,
            stop=stop,
        )
    )
    yield
    stop.set()
    await task


async def pump(context: Context, until: Callable[[], Awaitable[bool]], *, seconds: float = 60) -> None:
    """Turn the loops by hand until a condition holds."""
    async with asyncio.timeout(seconds):
        while not await until():
            await relay.relay_once(context)
            await results.consume_once(context, wait_seconds=0.05)
            await failures.handle_once(context, wait_seconds=0)
            await failures.redrive_due(context)
