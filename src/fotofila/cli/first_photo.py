"""The first photo of a library, sent through the real HTTP API with a key that lives as long as that takes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from fotofila.access.keys import create_key, revoke_key
from fotofila.api.middleware.hosts import allowed_hosts
from fotofila.cli.database import OWNER
from fotofila.cli.pictures import Picture
from fotofila.cli.upload.server import TIMEOUT, Server
from fotofila.cli.upload.waiting import FINAL
from fotofila.core.capability import Context
from fotofila.core.config import Settings
from fotofila.core.errors import UnavailableError

KEY_LIFETIME = timedelta(minutes=15)
PATIENCE_SECONDS = 180.0
POLL_SECONDS = 0.2
WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - replaced, never bound to


@asynccontextmanager
async def open_server(context: Context, url: str) -> AsyncIterator[tuple[Server, httpx.AsyncClient]]:
    """Give the API of this very process, reached as any other program would reach it."""
    async with context.db.write() as session:
        now = context.clock.now()
        key = await create_key(
            session,
            owner=OWNER,
            name="first photo",
            scopes=["photos:read", "photos:write"],
            now=now,
            expires_at=now + KEY_LIFETIME,
        )
    headers = {"Authorization": f"Bearer {key.secret}", **host_header(context.settings, url)}
    try:
        async with httpx.AsyncClient(base_url=reachable(url), headers=headers, timeout=TIMEOUT) as client:
            yield Server(client), client
    finally:
        async with context.db.write() as session:
            await revoke_key(session, owner=OWNER, key_id=key.row.id, now=context.clock.now())


def reachable(url: str) -> str:
    """Return an address that can be connected to: one that listens everywhere is reached on the loopback."""
    parts = urlsplit(url)
    host = WILDCARDS.get(parts.hostname or "", parts.hostname or "")
    return f"{parts.scheme}://{f'[{host}]' if ':' in host and not host.startswith('[') else host}:{parts.port}"


def host_header(settings: Settings, url: str) -> dict[str, str]:
    """Return the name to ask for, where the allow-list would not answer to the address itself."""
    allowed = allowed_hosts(settings)
    host = urlsplit(reachable(url)).hostname or ""
    named = sorted(name for name in allowed if "*" not in name)
    return {"Host": named[0]} if named and host not in allowed and "*" not in allowed else {}


async def send_and_wait(server: Server, photo: Path) -> dict[str, Any]:
    """Send a photo; return what the API says of it once its job is over.

    Raises:
        UnavailableError: no worker took it, or its job did not end well.
    """
    size = await asyncio.to_thread(lambda: photo.stat().st_size)
    picture = Picture(path=photo, size_bytes=size)
    sent = await server.send(picture, batch_id=None, told=lambda _: None)
    path = f"/api/photos/{sent.photo['id']}"
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            found = await poll(server, path)
    except TimeoutError as error:
        message = f"The photo was not analysed within {PATIENCE_SECONDS:g} seconds: is a worker running?"
        raise UnavailableError(message) from error
    if found["job"]["state"] != "done":
        failure = found["job"]["error"] or {"sentence": "Its job was cancelled."}
        raise UnavailableError(f"The first photo was not analysed: {failure['sentence']}")
    return found


async def poll(server: Server, path: str) -> dict[str, Any]:
    """Return a photo once its job is over."""
    while True:
        found = await server.get(path)
        if found["job"]["state"] in FINAL:
            return found
        await asyncio.sleep(POLL_SECONDS)
