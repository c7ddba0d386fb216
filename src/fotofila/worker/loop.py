"""The lease loop: takes as many messages as there are children, of quick work some more; stops with grace."""

from __future__ import annotations

import asyncio
import os
import socket
import time

from fotofila.core.capability import Kinds
from fotofila.core.clock import Clock
from fotofila.core.config import Settings
from fotofila.core.errors import FotofilaError
from fotofila.core.jobs.messages import ErrorInfo, ProcessMessage, UnreadableMessageError, read_process
from fotofila.core.observability.logs import get_logger
from fotofila.core.queue import Delivery, Queue
from fotofila.core.queue.base import Settling
from fotofila.core.storage import Storage
from fotofila.worker.ahead import QUICK_SECONDS, Ahead
from fotofila.worker.asking import OwnChildren, make_asking
from fotofila.worker.cancels import Cancels
from fotofila.worker.execution import Bench, execute, refuse, valid_ids
from fotofila.worker.pool import ChildPool
from fotofila.worker.reporter import Reporter
from fotofila.worker.scratch import Trays, scratch_folder

log = get_logger(__name__)

WAIT_SECONDS = 5.0
TROUBLE_SECONDS = 1.0
GIVE_BACK_SECONDS = 5.0
"""How long a stopping worker tries to give back all that it could not finish."""


async def run_worker(
    *,
    settings: Settings,
    clock: Clock,
    queue: Queue,
    storage: Storage,
    kinds: Kinds,
    stop: asyncio.Event,
    quick_seconds: float = QUICK_SECONDS,
) -> None:
    """Work until `stop` is set; then finish what was begun, or give it back without costing an attempt."""
    size = settings.workers or available_cpus()
    pool = ChildPool(size=size, memory_mb=settings.child_memory_mb, seconds=settings.job_seconds)
    with scratch_folder() as folder:
        asking = make_asking(settings, kinds, OwnChildren(pool, settings.models_dir, folder))
        bench = Bench(
            settings=settings,
            clock=clock,
            queue=queue,
            storage=storage,
            kinds=kinds,
            pool=pool,
            name=f"{socket.gethostname()}:{os.getpid()}",
            trays=Trays(folder),
            cancels=Cancels(storage),
            asking=asking,
            settling=queue if isinstance(queue, Settling) else None,
        )
        log.info("worker.started", children=size, lanes=settings.worker_lanes)
        try:
            await Slots(bench, size, Ahead(size, quick_seconds=quick_seconds)).serve(stop)
        finally:
            await pool.close()
            await asking.close()
            log.info("worker.stopped")


class Slots:
    """The executions that run: as many as there are children, and what `Ahead` allows of a backlog."""

    def __init__(self, bench: Bench, size: int, ahead: Ahead) -> None:
        self._bench = bench
        self._size = size
        self._ahead = ahead
        self._backlog = False
        self._running: dict[asyncio.Task[None], tuple[Delivery, ProcessMessage]] = {}
        self._receiving: asyncio.Task[list[Delivery]] | None = None
        self._ended = asyncio.Event()

    async def serve(self, stop: asyncio.Event) -> None:
        """Take and start until told to stop, then drain."""
        stopping = asyncio.create_task(stop.wait())
        stopping.add_done_callback(self._stop)
        while not stop.is_set():
            free, ahead = self._size - len(self._running), self._ahead.count
            if free < 0 or (free == 0 and not (ahead and self._backlog)):
                self._ended.clear()
                await self._ended.wait()
                continue
            wanted = free + ahead
            self._receiving = asyncio.create_task(self._receive(wanted, wait_seconds=WAIT_SECONDS if free else 0))
            await asyncio.wait([self._receiving])
            if self._receiving.cancelled():
                continue
            deliveries = self._receiving.result()
            self._backlog = len(deliveries) == wanted  # else what comes next is for whoever is idle
            if deliveries:
                await self._start(deliveries)
            elif free:
                self._bench.trays.wipe()
        await self._drain()

    def _stop(self, _: object) -> None:
        self._ended.set()
        if self._receiving is not None:
            self._receiving.cancel()  # what it may have taken comes back after its lease

    def _end(self, done: asyncio.Task[None]) -> None:
        self._running.pop(done, None)
        self._ended.set()

    async def _receive(self, count: int, *, wait_seconds: float) -> list[Delivery]:
        settings = self._bench.settings
        try:
            return await self._bench.queue.receive(
                settings.worker_lanes,
                max_messages=count,
                wait_seconds=wait_seconds,
                lease_seconds=settings.lease_seconds,
            )
        except FotofilaError as error:
            log.warning("queue.unavailable", sentence=error.message)
            await asyncio.sleep(TROUBLE_SECONDS)
            return []

    async def _start(self, deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            try:
                message = read_process(delivery.payload)
                if not valid_ids(message):
                    raise UnreadableMessageError("A message in the work queue names ids that are none of ours.")
            except FotofilaError as error:
                await refuse(self._bench, delivery, error)
                continue
            task = asyncio.create_task(self._guard(delivery, message), name=message.job_id)
            self._running[task] = (delivery, message)
            task.add_done_callback(self._end)

    async def _guard(self, delivery: Delivery, message: ProcessMessage) -> None:
        """Keep trouble of one execution from the others: unacked, its message comes back after the lease."""
        began = time.monotonic()
        try:
            await execute(self._bench, delivery, message)
        except Exception as error:  # noqa: BLE001 - queue or storage went away: the lease says what becomes of it
            log.warning("execution.lost", job_id=message.job_id, error=repr(error))
        self._ahead.note(time.monotonic() - began)

    async def _drain(self) -> None:
        """Let executions finish for a while, then give the rest back through the outbox, at no cost."""
        if not self._running:
            return
        begun = dict(self._running)
        await asyncio.wait(begun, timeout=self._bench.settings.drain_seconds)
        deadline = asyncio.get_running_loop().time() + GIVE_BACK_SECONDS
        info = ErrorInfo(code="worker_stopped", sentence="The worker was stopped; another goes on.", permanent=False)
        for task, (delivery, message) in begun.items():
            if not task.cancel():
                continue  # it came to its end
            await asyncio.gather(task, return_exceptions=True)
            bench = self._bench
            reporter = Reporter(queue=bench.queue, storage=bench.storage, clock=bench.clock, message=message)
            try:
                async with asyncio.timeout_at(deadline):
                    await reporter.retrying(info, wait_seconds=0, snooze=True)
                    await bench.queue.ack([delivery])
            except (FotofilaError, TimeoutError) as error:  # then it comes back after its lease
                log.warning("execution.not_given_back", job_id=message.job_id, error=repr(error))


def available_cpus() -> int:
    """Return the CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
