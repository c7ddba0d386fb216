"""`fotofila work`: a worker. It needs the queue and storage and nothing else: no database, no secret."""

from __future__ import annotations

import asyncio
import signal

from fotofila.bootstrap import load_capabilities, make_queue, make_storage
from fotofila.cli.options import answer_metrics
from fotofila.cli.running import has_started
from fotofila.cli.storage import demand_storage
from fotofila.core.capability import Kinds
from fotofila.core.clock import SystemClock
from fotofila.core.config import Settings
from fotofila.worker.loop import run_worker


async def work(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT, then drain."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    answer_metrics(settings)
    queue, storage = make_queue(settings), make_storage(settings)
    try:
        await demand_storage(storage)
        has_started()
        await run_worker(
            settings=settings,
            clock=SystemClock(),
            queue=queue,
            storage=storage,
            kinds=Kinds(load_capabilities(settings.capabilities)),
            stop=stop,
        )
    finally:
        await queue.close()
        await storage.close()
