"""The role `api`: one or two ports that answer HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import uvicorn
from starlette.types import ASGIApp

from fotofila.api.app import create_app
from fotofila.cli.running import has_started
from fotofila.cli.serve import BACKLOG, Ready
from fotofila.core.capability import Context, load
from fotofila.core.observability.logs import get_logger

log = get_logger(__name__)

GRACE_SECONDS = 5
TICK_SECONDS = 1.0
WIRE_APP = "fotofila.rekognition.routes:create_wire_app"


async def run_api(
    context: Context,
    listener: socket.socket,
    stop: asyncio.Event,
    on_ready: Ready | None,
    *,
    wire: socket.socket | None = None,
) -> None:
    """Answer HTTP until told to stop; `wire` is the port of its own of the Rekognition protocol."""
    settings = context.settings
    port = listener.getsockname()[1]
    app = create_app(context)
    servers = [(make_server(app), listener)]
    if wire is not None:
        servers.append((make_server(load(WIRE_APP)(context, app.state.limits)), wire))
    has_started()
    async with asyncio.TaskGroup() as tasks:
        serving = [tasks.create_task(server.serve(sockets=[bound])) for server, bound in servers]
        stopping = tasks.create_task(stop.wait())
        url = f"http://{settings.host}:{port}"
        log.info("api.listening", url=url)
        if wire is not None:
            log.info("rekognition.listening", url=f"http://{settings.host}:{wire.getsockname()[1]}")
        greeting = tasks.create_task(on_ready(context, url)) if on_ready is not None else None
        await asyncio.wait([*serving, stopping], return_when=asyncio.FIRST_COMPLETED)
        if greeting is not None:
            greeting.cancel()
        for server, _ in servers:
            server.leave()
        stop.set()
    await app.state.limits.close()


def make_server(app: ASGIApp) -> Server:
    """Make a server of an application."""
    return Server(
        uvicorn.Config(
            app,
            log_config=None,
            lifespan="off",
            server_header=False,
            proxy_headers=False,
            access_log=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
            backlog=BACKLOG,
        )
    )


class Server(uvicorn.Server):
    """Uvicorn without signal handlers of its own: the program has its own way to stop.

    It looks once a second, not ten times, whether it shall leave, and is told when: an idle machine may sleep.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._leaving = asyncio.Event()

    def leave(self) -> None:
        """Answer what is under way, and end."""
        self.should_exit = True
        self._leaving.set()

    async def main_loop(self) -> None:
        """Write the date of answers anew each second, until told to leave."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK_SECONDS):
                    await self._leaving.wait()

    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]  # noqa: ANN201, D102
        yield
