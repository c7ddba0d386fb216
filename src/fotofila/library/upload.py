"""What the door does with each file: store, write down, answer; or analyse and keep nothing."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast, get_args

from fotofila.api.idempotency import IdempotentRun
from fotofila.api.problems import Problem
from fotofila.core.capability import Context, Principal, Question, Search, SearchHow, ask, load
from fotofila.core.errors import FotofilaError, InvalidInputError, NotFoundError
from fotofila.core.images.sniff import HEAD_BYTES, sniff
from fotofila.core.jobs.models import Batch
from fotofila.core.observability.metrics import PHOTOS_REFUSED
from fotofila.core.storage.base import CHUNK_BYTES
from fotofila.library.ingest import Limits, Metered, receive
from fotofila.library.intake import Written, take_in
from fotofila.library.multipart import CutOffError, Multipart
from fotofila.library.schemas import Analysis, Upload, UploadItem, UploadList


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Who sends, and what for."""

    context: Context
    principal: Principal
    run: IdempotentRun
    batch_id: str | None = None
    keep: bool = True
    collection: str | None = None
    how: str | None = None

    @property
    def search(self) -> Search | None:
        """What is wished for beyond the analysis.

        Raises:
            InvalidInputError: it makes no sense.
        """
        return wished(self.principal, self.collection, self.how)

    @property
    def limits(self) -> Limits:
        """What is taken."""
        settings = self.context.settings
        return Limits(max_bytes=settings.max_upload_bytes, max_pixels=settings.max_pixels)


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A file on its way in."""

    stream: AsyncIterator[bytes]
    filename: str | None
    declared_type: str | None


Outcome = Upload | Written | UploadList | Analysis
WAYS = get_args(SearchHow)


def wished(principal: Principal, collection: str | None, how: str | None) -> Search | None:
    """Read the wish for a search.

    Raises:
        InvalidInputError: it makes no sense.
    """
    if how is not None and how not in WAYS:
        raise InvalidInputError(f"`search` is one of {', '.join(WAYS)}.")
    if collection is None:
        if how is not None:
            raise InvalidInputError("`search` says how a collection is searched: name that as `collection`, too.")
        return None
    return Search(collection=collection, how=cast("SearchHow", how or WAYS[0]), by=principal)


def watched(door: Door, incoming: Incoming) -> Incoming:
    """Have the content go into the fingerprint of the request, where it has a key."""
    if door.run.row is None:
        return incoming
    label = f"{door.batch_id}\n{door.keep}\n{incoming.filename}"
    if door.collection is not None:
        label = f"{label}\n{door.collection}\n{door.how}"
    return replace(incoming, stream=door.run.watch(incoming.stream, label=label))


async def hash_one(door: Door, incoming: Incoming) -> None:
    """Read a file for its fingerprint alone."""
    async for _ in watched(door, incoming).stream:
        pass


async def hash_several(door: Door, multipart: Multipart) -> None:
    """Read a form for its fingerprint alone."""
    async for part in multipart.parts():
        if part.filename is None:
            door = with_field(door, part.name, await multipart.text())
            continue
        await hash_one(
            door, Incoming(stream=multipart.content(), filename=part.filename, declared_type=part.content_type)
        )


async def take_one(door: Door, incoming: Incoming) -> Upload | Written | Analysis:
    """Take one file, or raise why not."""
    return await take(door, watched(door, incoming))


async def take(door: Door, incoming: Incoming) -> Upload | Written | Analysis:
    """Take a file whose content is watched."""
    await check_batch(door)
    try:
        if door.search is not None and not door.keep:
            raise InvalidInputError(
                f"With store=false nothing is searched: POST /api/collections/{door.collection}/search keeps nothing."
            )
        return await (keep(door, incoming) if door.keep else analyze(door, incoming))
    except FotofilaError as error:
        PHOTOS_REFUSED.labels(error.code).inc()
        raise


async def take_several(door: Door, multipart: Multipart) -> Outcome:
    """Take each file part; a body with one file is answered as a single upload."""
    items: list[UploadItem | Upload | Written | Analysis] = []
    refused: FotofilaError | None = None
    async for part in multipart.parts():
        if part.filename is None:
            door = with_field(door, part.name, await multipart.text())
            continue
        if len(items) >= door.context.settings.max_files:
            limit = door.context.settings.max_files
            raise InvalidInputError(f"One request takes {limit} files (FOTOFILA_MAX_FILES): send the rest in another.")
        incoming = Incoming(stream=multipart.content(), filename=part.filename, declared_type=part.content_type)
        incoming = watched(door, incoming)
        try:
            items.append(await take(door, incoming))
        except (CutOffError, NotFoundError):
            raise
        except FotofilaError as error:
            refused = error
            async for _ in incoming.stream:  # what is refused is still part of the fingerprint
                pass
            items.append(UploadItem(filename=part.filename, status=error.status, problem=told(error)))
    if not items:
        raise InvalidInputError("There is no file in the form: name the parts `files` and give each a file name.")
    if len(items) == 1 and refused is not None:
        raise refused
    if len(items) == 1 and not isinstance(items[0], UploadItem):
        return items[0]
    return UploadList(items=[as_item(item) for item in items])


def told(error: FotofilaError) -> Problem:
    """Shape the problem of one file of several."""
    return Problem(
        type=f"urn:fotofila:problem:{error.code}",
        title=error.title,
        status=error.status,
        detail=error.message,
        code=error.code,
    )


def with_field(door: Door, name: str, value: str) -> Door:
    """Take a form field that comes before the files it is for."""
    match name:
        case "batch_id":
            return replace(door, batch_id=value or None)
        case "store":
            return replace(door, keep=value.lower() not in {"false", "0", "no"})
        case "collection":
            return replace(door, collection=value or None)
        case "search":
            return replace(door, how=value or None)
    return door


def as_item(item: UploadItem | Upload | Written | Analysis) -> UploadItem:
    """Shape one of several."""
    if isinstance(item, UploadItem):
        return item
    if isinstance(item, Analysis):
        raise InvalidInputError("Several files cannot be analysed without being kept: send them one by one.")
    if isinstance(item, Written):
        item = item.upload()
    status = 200 if item.duplicate else 202
    return UploadItem(
        filename=item.photo.filename, status=status, photo=item.photo, job=item.job, duplicate=item.duplicate
    )


async def check_batch(door: Door) -> None:
    """Refuse an unknown batch before the body is read."""
    if door.batch_id is None:
        return
    async with door.context.db.read() as session:
        batch = await session.get(Batch, door.batch_id)
    if batch is None or batch.owner != door.principal.owner:
        raise NotFoundError("There is no such batch: make one with POST /api/batches.")


async def keep(door: Door, incoming: Incoming) -> Upload | Written:
    """Store, then write down; what is refused, or is known, is taken back from storage.

    Only then: when a request is cut off, or the database is, nobody knows whether it was committed. What it leaves in
    any other case, the sweeper finds.
    """
    received = await receive(
        door.context.storage,
        incoming.stream,
        owner=door.principal.owner,
        filename=incoming.filename,
        declared_type=incoming.declared_type,
        limits=door.limits,
    )
    try:
        upload = await take_in(door.context, door.principal, received, batch_id=door.batch_id, search=door.search)
    except FotofilaError as error:
        if error.permanent:
            await door.context.storage.delete([received.key])
        raise
    if upload.duplicate:
        await door.context.storage.delete([received.key])
    return upload


async def analyze(door: Door, incoming: Incoming) -> Analysis:
    """Use the direct lane: no queue, no storage, nothing kept."""
    context = door.context
    kind = context.kinds.get(context.settings.ingest_kind)
    async with context.db.read() as session:
        args = await load(kind.resolve)(session, door.principal.owner, context.settings)
    with tempfile.TemporaryDirectory(prefix="fotofila-direct-") as folder:
        path = Path(folder) / "original"
        chunks = Metered(incoming.stream, door.limits.max_bytes)
        head = await chunks.take(HEAD_BYTES)
        sniffed = sniff(head, declared_type=incoming.declared_type, pixel_cap=door.limits.max_pixels)
        with path.open("wb") as file:
            chunk = head
            while chunk:
                await asyncio.to_thread(file.write, chunk)
                chunk = await chunks.take(CHUNK_BYTES)
        question = Question(args=args, original=path, media_type=sniffed.media_type, photo_id=None, parts=context.parts)
        result = await context.direct(kind, await ask(kind, question), path, sniffed.media_type)
    facts = result.get("photo", {})
    return Analysis(width=facts.get("width"), height=facts.get("height"), faces=result.get("faces", []))
