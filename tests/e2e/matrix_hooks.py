"""A server that hears the notifications of the failure matrix."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class Hooks:
    """What was told: by job, under how many ids."""

    url: str = ""
    ids: dict[str, set[str]] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    told: Counter[str] = field(default_factory=Counter)

    async def hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request and close."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
            body = json.loads(await reader.readexactly(int(headers["content-length"])))
            writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            await writer.drain()
            job_id = body["data"]["job_id"]
            self.ids.setdefault(job_id, set()).add(headers["webhook-id"])
            self.types[job_id] = body["type"]
            self.told[job_id] += 1
        except (asyncio.IncompleteReadError, ConnectionError):
            self.told["cut off"] += 1
        finally:
            writer.close()


@asynccontextmanager
async def listening() -> AsyncIterator[Hooks]:
    """Listen for a block."""
    hooks = Hooks()
    server = await asyncio.start_server(hooks.hear, "127.0.0.1", 0)
    hooks.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with server:
        yield hooks
