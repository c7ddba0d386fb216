"""A wire in this process: its application, and a listener for clients that need one."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import orjson
import uvicorn
from starlette.types import ASGIApp

from fotofila.access.aws_signature import ALGORITHM, MOMENT, Signature, SignedRequest, signing_key, text_to_sign
from fotofila.access.workspaces import ensure_default_workspace
from fotofila.bootstrap import make_context
from fotofila.core.capability import Context
from fotofila.core.clock import Clock
from fotofila.core.config import load_settings
from tests.databases import make_tables
from tests.rekognition.clients import REGION, Target


@asynccontextmanager
async def open_context(folder: Path, *, clock: Clock | None = None, **settings: Any) -> AsyncIterator[Context]:
    """Open a process with empty tables."""
    chosen = {"capabilities": ["library", "access", "faces", "rekognition"], "workers": 1, **settings}
    context = make_context(load_settings(data_dir=folder, **chosen), clock=clock)
    await make_tables(context.db)
    async with context.db.write() as session:
        await ensure_default_workspace(session, now=context.clock.now(), detection="fast")
    try:
        yield context
    finally:
        await context.close()


def sign(
    target: Target,
    name: str,
    body: bytes,
    *,
    at: datetime,
    host: str = "127.0.0.1:8000",
    path: str = "/rekognition",
    invocation: str | None = None,
) -> dict[str, str]:
    """Return the headers of a signed call."""
    moment = at.strftime(MOMENT)
    headers = {
        "content-type": "application/x-amz-json-1.1",
        "host": host,
        "x-amz-date": moment,
        "x-amz-target": f"RekognitionService.{name}",
    }
    signature = Signature(
        access_key_id=target.access_key_id,
        date=moment[:8],
        region=REGION,
        service="rekognition",
        at=moment,
        signed_headers=tuple(headers),
        signature="",
    )
    digest = hashlib.sha256(body).hexdigest()
    request = SignedRequest(method="POST", path=path, query="", headers=tuple(headers.items()), body_sha256=digest)
    key = signing_key(target.secret_access_key, signature)
    made = hmac.new(key, text_to_sign(signature, request, headers), hashlib.sha256).hexdigest()
    credential = f"{target.access_key_id}/{signature.scope}"
    names = ";".join(headers)
    headers["authorization"] = f"{ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={made}"
    return headers | ({"amz-sdk-invocation-id": invocation} if invocation else {})


class Wired:
    """An application that is called without a network."""

    def __init__(self, app: ASGIApp, context: Context, target: Target, *, path: str = "/rekognition") -> None:
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 40000))
        self.http = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000")
        self.context = context
        self.target = target
        self.path = path

    async def call(self, name: str, given: Mapping[str, Any] | bytes = b"{}", **signing: Any) -> httpx.Response:
        """Make a signed call."""
        body = given if isinstance(given, bytes) else orjson.dumps(given)
        arguments = {"at": self.context.clock.now(), "path": self.path, **signing}
        headers = sign(self.target, name, body, **arguments)
        return await self.http.post(self.path, content=body, headers=headers)


def code(answer: httpx.Response) -> str:
    """Return the name of an error; empty where it is none."""
    told = answer.json()
    return str(told.get("__type", ""))


@asynccontextmanager
async def listening(app: ASGIApp) -> AsyncIterator[str]:
    """Serve an application on a free port for a block."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(64)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", access_log=False))
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign]
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving
