"""The peers' side of the HTTP upload, as a user of either writes it: keep the photo, write a row, send a task."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import uuid4

import asyncpg
import obstore
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from bench.peers_work import Obstore, Store, open_store

TABLE = """
CREATE TABLE IF NOT EXISTS peer_photos (
    id text PRIMARY KEY, key text NOT NULL, size_bytes bigint NOT NULL, state text NOT NULL,
    result jsonb, created_at timestamptz NOT NULL, finished_at timestamptz
)
"""
INSERT = "INSERT INTO peer_photos (id, key, size_bytes, state, created_at) VALUES ($1, $2, $3, 'queued', $4)"

if os.environ["PEER"] == "celery":
    from bench.peers_celery import process_photo

    send = process_photo.delay
else:
    from bench.peers_dramatiq import process_photo as actor

    send = actor.send


async def keep(store: Store, key: str, body: bytes) -> None:
    """Write the photo; a client that waits does so in a thread."""
    if isinstance(store, Obstore):
        await obstore.put_async(store.store, key, body)
    else:
        await run_in_threadpool(store.put, key, body)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open what every request uses."""
    app.state.store = open_store()
    async with asyncpg.create_pool(os.environ["PEER_DATABASE"]) as pool:
        await pool.execute(TABLE)
        app.state.pool = pool
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/readyz")
async def ready() -> dict[str, str]:
    """Say that it serves."""
    return {"status": "ok"}


@app.post("/photos")
async def upload(request: Request) -> JSONResponse:
    """Take a photo in."""
    photo_id = uuid4().hex
    key = f"originals/{photo_id}"
    body = await request.body()
    await keep(app.state.store, key, body)
    await app.state.pool.execute(INSERT, photo_id, key, len(body), datetime.now(UTC))
    send(photo_id, key)
    return JSONResponse({"photo": {"id": photo_id, "key": key, "state": "queued"}}, status_code=202)
