"""The appender: one at a time over all replicas, it gives entries sequence and hash, and signs where the chain ends."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.access.audit_chain import START, Entry, body_of, canonical, digest_of, link, moment, plain
from fotofila.access.audit_gather import DUE as GATHERED
from fotofila.access.audit_gather import HOLD, gathered, waiting
from fotofila.access.audit_models import AuditCheckpoint, AuditEntry, AuditInbox
from fotofila.access.receipts import SigningKeys, signing_keys
from fotofila.core.capability import Context
from fotofila.core.db.locks import try_name
from fotofila.core.errors import FotofilaError
from fotofila.core.observability.logs import get_logger
from fotofila.core.observability.metrics import AUDIT_CHECKPOINTS, AUDIT_PENDING

log = get_logger(__name__)

LOCK = "fotofila.audit"
"""Held to the end of the appender's transaction: whoever appends next sees what was appended before."""
LOOK_SECONDS = 1.0
CHECKPOINT = "fotofila-checkpoint/1"
PRUNING = "fotofila-pruning/1"
"""Says that the log begins after an entry, and what hash that had."""
WAITING = "SELECT 1 FROM audit_inbox LIMIT 1"


async def run(context: Context, stop: asyncio.Event) -> None:
    """Append once a second until told to stop, and once more then."""
    keys = signing_keys(context)
    while True:
        last = stop.is_set()
        try:
            await append_waiting(context, keys, hold=None if last else HOLD)
        except FotofilaError as error:
            log.warning("audit.unavailable", sentence=error.message)
        if last:
            return
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await stop.wait()
        except TimeoutError:
            pass


async def append_waiting(context: Context, keys: SigningKeys, *, hold: timedelta | None = HOLD) -> int:
    """Chain what waits, then sign the end of the chain where that is due; return how many were chained.

    Looks wait for `hold`, so that those that belong together are told together; None: nothing waits.
    """
    chained = 0
    now, settings = context.clock.now(), context.settings
    before = None if hold is None else now - hold

    async def append(session: AsyncSession) -> int:
        return await append_batch(session, before=before)

    if await (context.db.has_row(WAITING) if before is None else context.db.has_row(GATHERED, before=before)):
        while count := await context.db.transact(append):
            chained += count
    age = timedelta(seconds=settings.audit_checkpoint_seconds)

    async def sign(session: AsyncSession) -> dict[str, Any] | None:
        return await sign_when_due(session, keys, now=now, entries=settings.audit_checkpoint_entries, age=age)

    if chained or await context.db.has_row(DUE, before=now - age):
        tell(await context.db.transact(sign))
    return chained


DUE = """
SELECT 1 FROM (SELECT sequence, at FROM audit_checkpoints ORDER BY sequence DESC LIMIT 1) AS signed
WHERE signed.at <= :before AND EXISTS (SELECT 1 FROM audit_log WHERE audit_log.sequence > signed.sequence)
"""


async def append_batch(session: AsyncSession, *, before: datetime | None = None) -> int:
    """Chain entries of the inbox in the order in which they were made; 0 where there are none, or somebody does it.

    Looks wait until one of them was made `before`; see `audit_gather.py`.
    """
    if not await try_name(session, LOCK):
        return 0
    waited = await waiting(session, before=before)
    if not waited:
        AUDIT_PENDING.set(await session.scalar(select(func.count()).select_from(AuditInbox)) or 0)
        return 0
    sequence, previous = await head(session)
    rows = []
    for entry in gathered(waited):
        sequence += 1
        entry.detail = readable(entry.detail)
        following = link(previous, digest_of(body_of(cast("Entry", entry), sequence)))
        rows.append({**vars(entry), "sequence": sequence, "previous_hash": previous, "hash": following})
        previous = following
    await session.execute(insert(AuditEntry.__table__), rows)  # type: ignore[arg-type]  # declared wider than it is
    await session.execute(delete(AuditInbox).where(AuditInbox.id.in_([entry.id for entry in waited])))
    AUDIT_PENDING.set(await session.scalar(select(func.count()).select_from(AuditInbox)) or 0)
    return len(rows)


def readable(detail: str) -> str:
    """Return the detail of an entry; what was spoiled while it waited is chained as such, or all would wait."""
    try:
        if canonical(json.loads(detail)) == detail:
            return detail
    except (ValueError, RecursionError):
        pass
    log.error("audit.spoiled", detail=detail)
    return canonical(plain({"unreadable": detail}))


async def head(session: AsyncSession) -> tuple[int, str]:
    """Return where the chain ends: sequence and hash."""
    query = select(AuditEntry.sequence, AuditEntry.hash).order_by(AuditEntry.sequence.desc()).limit(1)
    row = (await session.execute(query)).one_or_none()
    return (row.sequence, row.hash) if row is not None else (0, START)


async def sign_when_due(
    session: AsyncSession, keys: SigningKeys, *, now: datetime, entries: int, age: timedelta
) -> dict[str, Any] | None:
    """Sign the end of the chain, unless it is signed or that was done shortly before; return the document."""
    if not await try_name(session, LOCK):
        return None
    newest = select(AuditCheckpoint).order_by(AuditCheckpoint.sequence.desc()).limit(1)
    before = await session.scalar(newest)
    sequence, end = await head(session)
    signed = before.sequence if before is not None else 0
    if sequence <= signed or (before is not None and sequence - signed < entries and now - before.at < age):
        return None
    document = checkpoint(keys, sequence=sequence, end=end, at=now, previous_sequence=signed)
    session.add(
        AuditCheckpoint(
            sequence=sequence,
            hash=end,
            at=now,
            previous_sequence=signed,
            key_id=document["key_id"],
            signature=document["signature"],
        )
    )
    await session.flush()
    return document


def checkpoint(keys: SigningKeys, *, sequence: int, end: str, at: datetime, previous_sequence: int) -> dict[str, Any]:
    """Sign that the chain had this hash at this sequence."""
    return keys.sign(unsigned(sequence=sequence, end=end, at=at, previous_sequence=previous_sequence))


def unsigned(
    *, sequence: int, end: str, at: datetime, previous_sequence: int, document: str = CHECKPOINT
) -> dict[str, Any]:
    """Shape a checkpoint, or a pruning, as it is signed, but for the key."""
    return {
        "format": document,
        "sequence": sequence,
        "hash": end,
        "at": moment(at),
        "previous_sequence": previous_sequence,
    }


def tell(document: dict[str, Any] | None) -> None:
    """Count a checkpoint, and put it in the log: what is kept elsewhere cannot be cut off here."""
    if document is not None:
        AUDIT_CHECKPOINTS.inc()
        log.info("audit.checkpoint", checkpoint=document)
