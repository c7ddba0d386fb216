from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.bootstrap import make_context
from fotofila.core.capability import Context, Kinds, Principal
from fotofila.core.config import load_settings
from fotofila.core.events.models import Event
from fotofila.core.jobs.keys import execution_prefix
from fotofila.core.jobs.messages import ErrorInfo, ProcessMessage, Rendition, read_process
from fotofila.core.jobs.models import Batch, Failure, Job
from fotofila.core.queue import Delivery, LaneNames
from fotofila.core.queue.sqlite import SqliteQueue
from fotofila.feedback import failures, relay, results
from fotofila.feedback.turns import DUE, Due
from fotofila.library.add import Added, add_photo
from fotofila.library.ingest import Limits, Received, receive
from fotofila.library.models import Photo
from fotofila.testing.clock import FakeClock
from fotofila.testing.pictures import jpeg
from fotofila.worker.reporter import Reporter
from tests.databases import make_tables
from tests.feedback.kinds import CAPABILITY, KIND

OWNER = "0" * 31 + "1"
PRINCIPAL = Principal(owner=OWNER, scopes=frozenset({"photos:write"}))
LEASE = 30.0
TROUBLE = ErrorInfo(code="ordered", sentence="It did not work.", permanent=False, stack="Traceback …")


async def authenticate(context: Context, headers: Mapping[str, str], cookies: Mapping[str, str]) -> Principal:
    return PRINCIPAL


async def retention(session: AsyncSession) -> Mapping[str, timedelta]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The loops of feedback, turned by hand, on a clock that a test moves for database and queue alike."""

    context: Context
    clock: FakeClock

    async def received(self, content: bytes = b"") -> Received:
        """Store an original."""

        async def body() -> AsyncIterator[bytes]:
            yield content or jpeg()

        return await receive(
            self.context.storage,
            body(),
            owner=OWNER,
            filename="a.jpg",
            declared_type=None,
            limits=Limits(max_bytes=10**7, max_pixels=10**8),
        )

    async def add(self, content: bytes = b"", *, batch_id: str | None = None) -> Added:
        """Take a photo in."""
        received = await self.received(content)
        async with self.context.db.write() as session:
            return await add_photo(session, self.context, PRINCIPAL, received, batch_id=batch_id)

    async def receive(self, lane: str = "process", *, count: int = 1) -> list[Delivery]:
        """Receive from the queue as a worker does."""
        return await self.context.queue.receive([lane], max_messages=count, wait_seconds=0, lease_seconds=LEASE)

    async def take(self, lane: str = "process") -> tuple[ProcessMessage, Delivery]:
        """Relay, then receive one job."""
        while await relay.relay_once(self.context):
            pass
        (delivery,) = await self.receive(lane)
        return read_process(delivery.payload), delivery

    async def begin(self, message: ProcessMessage) -> Reporter:
        """Begin an execution of a message, as a worker does."""
        context = self.context
        reporter = Reporter(queue=context.queue, storage=context.storage, clock=self.clock, message=message)
        reporter.started("test")
        await reporter.flush()  # at once: a test waits for no other report
        return reporter

    async def begun(self, lane: str = "process") -> tuple[ProcessMessage, Reporter]:
        """Take one job, ack it, and begin its execution."""
        message, delivery = await self.take(lane)
        await self.context.queue.ack([delivery])
        reporter = await self.begin(message)
        await self.consume()
        return message, reporter

    async def finish(self, message: ProcessMessage, reporter: Reporter, result: dict[str, object] | None = None) -> str:
        """Store a rendition and report the end; returns the rendition's key."""
        assert message.source is not None
        key = execution_prefix(message.owner, message.source.photo_id, reporter.execution_id) + "note.txt"
        await self.context.storage.put(key, b"done")
        file = Rendition(name="note.txt", key=key, media_type="text/plain", size_bytes=4)
        await reporter.finished(result or {}, (file,), 0.1, {"cpu_seconds": 0.1})
        return key

    async def consume(self) -> None:
        """Apply every result that is there."""
        while await results.consume_once(self.context, wait_seconds=0):
            pass

    async def handle(self) -> None:
        """Write every failure down."""
        while await failures.handle_once(self.context, wait_seconds=0):
            pass

    async def give_up(self, lane: str) -> None:
        """Let the queue give up on what is in a lane: its receivers die, again and again."""
        for _ in range(self.context.settings.max_deliveries + 1):
            await self.receive(lane, count=100)
            self.clock.advance(LEASE + 1)

    async def job(self, added: Added) -> Job:
        """Read a job anew."""
        async with self.context.db.read() as session:
            return await session.get_one(Job, added.job.id)

    async def photo(self, added: Added) -> Photo:
        """Read a photo anew."""
        async with self.context.db.read() as session:
            return await session.get_one(Photo, added.photo.id)

    async def batch(self, batch_id: str) -> Batch:
        """Read a batch anew."""
        async with self.context.db.read() as session:
            return await session.get_one(Batch, batch_id)

    async def failures(self) -> list[Failure]:
        """Return every failure, oldest first."""
        async with self.context.db.read() as session:
            return list(await session.scalars(select(Failure).order_by(Failure.id)))

    async def events(self, *types: str) -> list[str]:
        """Return the types of events in order, of all or of some."""
        async with self.context.db.read() as session:
            told = list(await session.scalars(select(Event.type).order_by(Event.id)))
        return [one for one in told if not types or one in types]

    async def objects(self, prefix: str = "renditions/") -> list[str]:
        """Return the keys under a prefix."""
        return [info.key async for info in self.context.storage.list(prefix)]


async def due_rows(desk: Desk) -> list[Due]:
    """Return what is in the outbox."""
    async with desk.context.db.read() as session:
        return [Due(*row) for row in await session.execute(select(*DUE))]


@pytest.fixture
async def desk(tmp_path: Path, database_url: str) -> AsyncIterator[Desk]:
    clock = FakeClock()
    settings = load_settings(
        database_url=database_url,
        data_dir=tmp_path,
        capabilities=["library", "noop"],
        ingest_kind=KIND.name,
        lease_seconds=LEASE,
    )
    made = make_context(settings, clock=clock, authenticate=authenticate, retention=retention)
    await made.queue.close()
    queue = SqliteQueue(tmp_path / "queue.db", max_deliveries=3, names=LaneNames(), now=lambda: clock.now().timestamp())
    context = replace(made, queue=queue, kinds=Kinds([CAPABILITY]))
    await make_tables(context.db)
    yield Desk(context=context, clock=clock)
    await context.close()
