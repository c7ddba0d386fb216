"""One execution: from a delivery to its last report. The delivery is acked only after the report is confirmed."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
import traceback
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fotofila.core.capability import JobKind, Kinds
from fotofila.core.clock import Clock
from fotofila.core.config import Settings
from fotofila.core.errors import FotofilaError, StorageFullError
from fotofila.core.ids import is_id
from fotofila.core.jobs.backoff import wait_seconds
from fotofila.core.jobs.keys import cancel_marker, execution_prefix
from fotofila.core.jobs.messages import SCHEMA, ErrorInfo, ProcessMessage, Rendition
from fotofila.core.observability.logs import get_logger
from fotofila.core.observability.metrics import EXECUTION_SECONDS, EXECUTIONS
from fotofila.core.observability.traces import span
from fotofila.core.queue import Delivery, Queue
from fotofila.core.queue.base import Settling
from fotofila.core.storage import Storage
from fotofila.worker.ahead import CHILD_WAIT_SECONDS
from fotofila.worker.asking import Asking
from fotofila.worker.cancels import Cancels
from fotofila.worker.errors import BusyError, CrashedError, StorageAwayError, needing_storage
from fotofila.worker.pool import ChildPool, Request
from fotofila.worker.reporter import Reporter
from fotofila.worker.scratch import Trays

log = get_logger(__name__)

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
SNOOZE_SECONDS = 30.0
PROGRESS_SECONDS = 1.0
NO_CHILD = "Every child of the worker is at work with something slow; another goes on."
NOT_MADE = "The program that reads the picture named a file that it did not make."


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What a worker works with."""

    settings: Settings
    clock: Clock
    queue: Queue
    storage: Storage
    kinds: Kinds
    pool: ChildPool
    name: str
    trays: Trays
    cancels: Cancels
    asking: Asking = field(default_factory=Asking)
    settling: Settling | None = None
    """The queue once more, where it is one of these."""


class LostLeaseError(Exception):
    """Another worker may have the message: what we do from here on would be done twice."""


async def execute(bench: Bench, delivery: Delivery, message: ProcessMessage) -> None:
    """Do the work of one delivery and report; give it back unacked only when the lease or the queue is lost."""
    reporter = Reporter(
        queue=bench.queue,
        storage=bench.storage,
        clock=bench.clock,
        message=message,
        delivery=delivery,
        settling=bench.settling,
    )
    with span("worker.execute", message.traceparent, kind=message.kind, job_id=message.job_id):
        try:
            outcome = await attempt(bench, delivery, message, reporter)
        except LostLeaseError:
            log.warning("execution.lease_lost", job_id=message.job_id, execution_id=reporter.execution_id)
            return
        finally:
            reporter.silence()
        if not reporter.settled:
            await bench.queue.ack([delivery])
    EXECUTIONS.labels(message.kind, outcome).inc()


async def attempt(bench: Bench, delivery: Delivery, message: ProcessMessage, reporter: Reporter) -> str:
    """Work, then report; returns the name of the outcome."""
    kind = bench.kinds.find(message.kind, message.kind_version) if message.schema_version <= SCHEMA else None
    if kind is None:
        what = f"{message.kind}, version {message.kind_version}, schema {message.schema_version}"
        info = ErrorInfo(code="unknown_kind", sentence=f"No worker here knows {what}.", permanent=False)
        await reporter.retrying(info, wait_seconds=SNOOZE_SECONDS * bench.settings.retry_scale, snooze=True)
        return "snoozed"
    began = time.monotonic()
    try:
        async with keep_lease(bench, delivery, message, reporter):
            answer, renditions = await work_unless_cancelled(bench, kind, message, reporter)
    except StorageAwayError as error:
        return await wait_for_storage(bench, message, reporter, error)
    except FotofilaError as error:
        return await report_error(bench, message, reporter, from_error(error), error.max_attempts)
    seconds = time.monotonic() - began
    EXECUTION_SECONDS.labels(message.kind).observe(seconds)
    match answer["outcome"]:
        case "done":
            timings = {"cpu_seconds": answer["cpu_seconds"], **answer["timings"]}
            telling = reporter.finished(answer["result"], renditions, seconds, timings)
            return await report_done(bench, message, reporter, telling)
        case "snooze":
            info = ErrorInfo(code="snoozed", sentence=answer["reason"], permanent=False)
            await reporter.retrying(info, wait_seconds=answer["seconds"], snooze=True)
        case "cancel":
            await reporter.cancelled(answer["reason"])
        case _:
            told = answer["error"]
            return await report_error(bench, message, reporter, ErrorInfo(**told), told.get("max_attempts"))
    return str(answer["outcome"])


async def report_done(
    bench: Bench, message: ProcessMessage, reporter: Reporter, telling: Coroutine[Any, Any, None]
) -> str:
    """Tell the result; one that is large needs the storage for it."""
    try:
        await telling
    except StorageAwayError as error:
        return await wait_for_storage(bench, message, reporter, error)
    except StorageFullError as error:  # where it was the queue that is full, this is not told either
        return await report_error(bench, message, reporter, from_error(error), error.max_attempts)
    return "done"


async def report_error(
    bench: Bench, message: ProcessMessage, reporter: Reporter, info: ErrorInfo, max_attempts: int | None
) -> str:
    """Ask for another attempt, or say that it failed for good."""
    attempts = min(message.max_attempts, max_attempts or message.max_attempts)
    if info.permanent or message.attempt >= attempts:
        await reporter.failed(info)
        return "failed"
    wait = wait_seconds(info.error_class, message.attempt, scale=bench.settings.retry_scale)
    await reporter.retrying(info, wait_seconds=wait)
    return "retrying"


async def wait_for_storage(bench: Bench, message: ProcessMessage, reporter: Reporter, error: StorageAwayError) -> str:
    """Have the job sent again later: it is no fault of the photo, and no attempt."""
    await asyncio.sleep(bench.settings.retry_scale)  # or a whole backlog would be put back as fast as it is taken
    info = from_error(error)
    wait = wait_seconds(info.error_class, message.attempt, scale=bench.settings.retry_scale)
    await reporter.retrying(info, wait_seconds=wait, snooze=True)
    return "snoozed"


def from_error(error: FotofilaError) -> ErrorInfo:
    """Shape an error of the worker's own."""
    return ErrorInfo(
        code=error.code,
        sentence=error.message,
        permanent=error.permanent,
        error_class=error.retry_class,
        stack="".join(traceback.format_exception(error))[-8000:],
    )


async def work_unless_cancelled(
    bench: Bench, kind: JobKind, message: ProcessMessage, reporter: Reporter
) -> tuple[dict[str, Any], tuple[Rendition, ...]]:
    """Work, if anybody still wants it."""
    if await bench.cancels.have(message.job_id, message.round):
        return {"outcome": "cancel", "reason": "cancelled before work began"}, ()
    reporter.started(bench.name)
    return await work(bench, kind, message, reporter)


async def work(
    bench: Bench, kind: JobKind, message: ProcessMessage, reporter: Reporter
) -> tuple[dict[str, Any], tuple[Rendition, ...]]:
    """Fetch the original, ask what is to be asked, run the child, store what it made."""
    with bench.trays.take() as tray:
        if message.source is None:
            tray.original.unlink(missing_ok=True)
        else:
            with needing_storage():
                await bench.storage.get_file(message.source.key, tray.original)
        began = time.monotonic()
        args = await bench.asking(kind, message, tray.original)
        asked = {} if args is message.args else {"asked": round(time.monotonic() - began, 4)}
        request = Request(
            work=kind.work,
            args=args,
            original=tray.original,
            folder=tray.made,
            models_dir=bench.settings.models_dir,
            media_type=message.source.media_type if message.source else "",
        )
        try:
            async with passing_on(reporter) as on_progress:
                answer = await bench.pool.run(request, on_progress=on_progress, wait_seconds=CHILD_WAIT_SECONDS)
        except BusyError:
            return {"outcome": "snooze", "seconds": 0, "reason": NO_CHILD}, ()
        if answer["outcome"] != "done" or message.source is None:
            return answer, ()
        answer["timings"] = {**answer["timings"], **asked}
        prefix = execution_prefix(message.owner, message.source.photo_id, reporter.execution_id)
        return answer, await store(bench.storage, tray.made, prefix, answer["renditions"])


async def store(storage: Storage, folder: Path, prefix: str, files: list[dict[str, Any]]) -> tuple[Rendition, ...]:
    """Put what a child made under the execution's prefix; only files in its own folder are taken."""
    stored = []
    made: dict[str, Path | bytes] = {}
    for file in files:
        if not _NAME.fullmatch(file["name"]):
            raise CrashedError(NOT_MADE)
        content = file["content"] if "content" in file else own_file(folder, file["path"])
        if isinstance(content, Path) and content in made.values():
            raise CrashedError(NOT_MADE)
        key = prefix + file["name"]
        made[key] = content
        size = len(content) if isinstance(content, bytes) else content.stat().st_size
        stored.append(Rendition(**{**file, "key": key, "size_bytes": size}))
    with needing_storage():
        await storage.put_files(made)
    return tuple(stored)


def own_file(folder: Path, named: str) -> Path:
    """Return the file of a child's own folder that it named."""
    path = folder / Path(named).name
    if path.is_symlink() or not path.is_file():
        raise CrashedError(NOT_MADE)
    return path


@asynccontextmanager
async def keep_lease(
    bench: Bench, delivery: Delivery, message: ProcessMessage, reporter: Reporter
) -> AsyncIterator[None]:
    """Extend the lease and say that we live while a block runs; raise in it when the lease is lost.

    A cancel marker that appears meanwhile ends the block as if the lease were lost: the job is over already.
    """
    lease = bench.settings.lease_seconds
    marker = cancel_marker(message.job_id, message.round)
    body = asyncio.current_task()
    lost = False

    async def beat() -> None:
        nonlocal lost
        while True:
            try:
                held = await bench.queue.extend(delivery, lease_seconds=lease)
                if held and not await is_there(bench.storage, marker, seconds=lease / 6):
                    await reporter.heartbeat()
                    await asyncio.sleep(lease / 3)
                    continue
                if held:
                    await bench.queue.ack([delivery])
            except FotofilaError as error:  # the queue is away: the next beat, or the next worker, will tell
                log.warning("lease.not_extended", job_id=message.job_id, sentence=error.message)
                await asyncio.sleep(lease / 3)
                continue
            assert body is not None  # noqa: S101 - we run in a task
            lost = True
            body.cancel()
            return

    beating: asyncio.Task[None] | None = None

    def begin() -> None:
        nonlocal beating
        beating = asyncio.create_task(beat())

    first = asyncio.get_running_loop().call_later(lease / 3, begin)  # most jobs are over by then: no task for those
    try:
        yield
    except asyncio.CancelledError:
        if lost and body is not None:
            body.uncancel()
            raise LostLeaseError from None
        raise
    finally:
        first.cancel()
        if beating is not None:
            beating.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await beating


async def is_there(storage: Storage, key: str, *, seconds: float) -> bool:
    """Look for an object; no answer in time is a no, since the next look comes soon and the lease cannot wait."""
    try:
        async with asyncio.timeout(seconds):
            return await storage.exists(key)
    except (FotofilaError, TimeoutError):
        return False


@asynccontextmanager
async def passing_on(reporter: Reporter) -> AsyncIterator[Any]:
    """Give a callback that passes progress on, at most once a second."""
    tasks: set[asyncio.Task[None]] = set()
    last = time.monotonic()

    def on_progress(progress: float) -> None:
        nonlocal last
        if time.monotonic() - last >= PROGRESS_SECONDS:
            last = time.monotonic()
            tasks.add(asyncio.create_task(reporter.progress(progress)))

    try:
        yield on_progress
    finally:
        if tasks:
            await asyncio.gather(*tasks, return_exceptions=True)


async def refuse(bench: Bench, delivery: Delivery, error: FotofilaError) -> None:
    """Give back a message that cannot be read: after some deliveries the queue takes it to the failures."""
    log.error("message.refused", code=error.code, sentence=error.message, message_id=delivery.message_id)
    await bench.queue.nack(delivery)


def valid_ids(message: ProcessMessage) -> bool:
    """Say whether the ids that become keys have the form of ids."""
    ids = [message.job_id, message.owner, *([message.source.photo_id] if message.source else [])]
    return all(is_id(value) for value in ids)
