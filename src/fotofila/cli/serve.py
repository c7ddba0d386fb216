"""`fotofila serve`: the roles of one process, and with nothing set, workers beside it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager

from fotofila.access.receipts import load_signing_keys
from fotofila.access.workspaces import ensure_default_workspace
from fotofila.bootstrap import make_context
from fotofila.cli.options import answer_metrics
from fotofila.cli.running import has_started
from fotofila.cli.storage import demand_storage
from fotofila.core.capability import Context, Loop, load
from fotofila.core.config import Settings, SettingsError
from fotofila.core.db.migrate import prepare_database
from fotofila.core.errors import FotofilaError
from fotofila.core.observability.logs import get_logger
from fotofila.feedback.loops import LOOPS
from fotofila.feedback.pace import sleep

log = get_logger(__name__)

CORE_ROLES = ("api", *(loop.role for loop in LOOPS))
RESTART_SECONDS = 2.0
WORKER_GRACE_SECONDS = 10.0
BACKLOG = 2048
RUN_API = "fotofila.cli.answering:run_api"
"""Imported where it runs: the other roles need no web framework."""

Ready = Callable[[Context, str], Coroutine[None, None, None]]
"""Called with the context and the address once the server answers."""


async def serve(
    settings: Settings, *, roles: frozenset[str] | None, with_workers: bool, on_ready: Ready | None = None
) -> None:
    """Run roles until SIGTERM or SIGINT.

    Raises:
        SettingsError: a role is unknown, or a setting stops the start.
    """
    context = make_context(settings, roles=roles or frozenset())
    loops = [*LOOPS, *(loop for capability in context.capabilities for loop in capability.loops)]
    known = {"api", *(loop.role for loop in loops)}
    if unknown := (roles or frozenset()) - known:
        raise SettingsError(f"--roles: {min(unknown)!r} is no role; there are: {', '.join(sorted(known))}.")
    load_signing_keys(settings, context.secret_keys)  # one that is no key stops the start
    wanted = roles or known
    listener = listen(settings, settings.port, "FOTOFILA_PORT") if "api" in wanted else None
    wire = listen_to_wire(context) if "api" in wanted else None
    if listener is None:
        answer_metrics(settings)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        await demand_storage(context.storage)
        await prepare_database(context.db)
        async with context.db.write() as session:
            await ensure_default_workspace(session, now=context.clock.now(), detection=settings.detection)
        async with asyncio.TaskGroup() as tasks:
            for loop in loops:
                if loop.role in wanted:
                    tasks.create_task(supervise(loop, context, stop), name=loop.name)
            if with_workers:
                tasks.create_task(run_workers(stop), name="workers")
            if listener is not None:
                tasks.create_task(load(RUN_API)(context, listener, stop, on_ready, wire=wire), name="api")
            else:
                has_started()
            log.info("serve.started", roles=sorted(wanted))
    finally:
        await context.close()
        log.info("serve.stopped")


async def supervise(loop: Loop, context: Context, stop: asyncio.Event) -> None:
    """Run a loop; one that ends with an error begins again after a moment."""
    run = load(loop.run)
    while not stop.is_set():
        try:
            await run(context, stop)
        except FotofilaError as error:  # the database, or what else a loop cannot do without
            log.warning("loop.unavailable", loop=loop.name, sentence=error.message)
            await sleep(stop, RESTART_SECONDS)
        except Exception as error:
            log.exception("loop.failed", loop=loop.name, error=repr(error))
            await sleep(stop, RESTART_SECONDS)


def listen_to_wire(context: Context) -> socket.socket | None:
    """Bind the port of its own of the Rekognition protocol, where one is set.

    Raises:
        SettingsError: it is taken, or the protocol is not loaded.
    """
    settings = context.settings
    if not settings.rekognition_port:
        return None
    if not any(capability.name == "rekognition" for capability in context.capabilities):
        raise SettingsError("FOTOFILA_REKOGNITION_PORT: add rekognition to FOTOFILA_CAPABILITIES.")
    return listen(settings, settings.rekognition_port, "FOTOFILA_REKOGNITION_PORT")


def listen(settings: Settings, port: int, setting: str) -> socket.socket:
    """Bind a port of the address.

    Raises:
        SettingsError: it is taken, or not one of this machine.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, port))
    except OSError as error:
        listener.close()
        raise SettingsError(
            f"{setting}: cannot listen on {settings.host}:{port} ({error.strerror}): choose another port."
        ) from error
    listener.listen(BACKLOG)
    return listener


async def run_workers(stop: asyncio.Event) -> None:
    """Keep one worker process beside us for as long as we run."""
    while not stop.is_set():
        async with worker_process() as process:
            waiting = asyncio.create_task(process.wait())
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait([waiting, stopping], return_when=asyncio.FIRST_COMPLETED)
            if not stop.is_set():
                log.warning("worker.ended", returncode=process.returncode)
                await sleep(stop, RESTART_SECONDS)
            stopping.cancel()


@asynccontextmanager
async def worker_process() -> AsyncIterator[asyncio.subprocess.Process]:
    """Start `fotofila work`; it ends with the block, and with us."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "fotofila.cli",
        "work",
        "--parent-pid",
        str(os.getpid()),
        start_new_session=True,  # Ctrl-C is for us: we tell it when to stop
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(WORKER_GRACE_SECONDS):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
