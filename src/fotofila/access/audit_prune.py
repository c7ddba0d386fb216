"""Taking the oldest entries out of the audit log, so that what is left can still be verified.

The hash of the last entry that is taken out is signed, as a *pruning*: whoever verifies starts from there. Entries go
in batches, each with the pruning that says so in one transaction, so the log is whole at every moment. What is about to
go is verified first: a log that was tampered with is evidence, and stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.access.audit import SYSTEM, Actor, record
from fotofila.access.audit_append import LOCK, PRUNING, head, unsigned
from fotofila.access.audit_chain import START, moment
from fotofila.access.audit_models import AuditCheckpoint, AuditEntry
from fotofila.access.audit_verify import COLUMNS, Link, compare, document_of, link_of
from fotofila.access.receipts import SigningKeys, signing_keys
from fotofila.access.workspaces import DEFAULT_WORKSPACE
from fotofila.core.capability import Context
from fotofila.core.db.locks import lock_name
from fotofila.core.errors import ConflictError, FotofilaError
from fotofila.core.observability.logs import get_logger

log = get_logger(__name__)

BATCH = 2000
SPARED = timedelta(days=1)
"""The sweep prunes a day's entries at once: each time it does leaves an entry itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What was taken out."""

    entries: int
    until: int
    """The last one that is gone; 0 where none ever was."""


async def prune(
    context: Context, keys: SigningKeys, *, before: datetime, actor: Actor, owner: str = DEFAULT_WORKSPACE
) -> Pruned:
    """Take out every entry up to the first that was made at `before` or later; the newest entry always stays.

    Raises:
        ConflictError: an entry is not what was written; those before it are gone, it stays.
    """
    first, target = await span(context, before)
    now, entries = context.clock.now(), 0
    while first <= target:

        async def work(session: AsyncSession, *, begins: bool = entries == 0) -> tuple[int, dict[str, Any]]:
            if begins:
                detail = {"before": moment(before), "until": target}
                await record(
                    session, owner=owner, actor=actor, action="audit.prune", subject=None, detail=detail, now=now
                )
            return await prune_batch(session, keys, target=target, now=now)

        count, document = await context.db.transact(work)
        if not count:
            break  # somebody else has pruned as far
        log.info("audit.pruned", pruning=document)
        entries, first = entries + count, int(document["sequence"]) + 1
    return Pruned(entries=entries, until=first - 1)


async def span(context: Context, before: datetime) -> tuple[int, int]:
    """Return the first entry that is there, and the last that is to go; an empty span where none is."""
    oldest = select(AuditEntry.sequence).order_by(AuditEntry.sequence).limit(1)
    async with context.db.read() as session:
        first = await session.scalar(oldest)
        stays = await session.scalar(oldest.where(AuditEntry.at >= before))
        newest, _ = await head(session)
    return (first or 1), min(newest, stays or newest) - 1


async def prune_batch(
    session: AsyncSession, keys: SigningKeys, *, target: int, now: datetime
) -> tuple[int, dict[str, Any]]:
    """Take out the oldest entries, up to `target`, and sign where the log begins now; return how many, and that.

    Raises:
        ConflictError: an entry is not what was written.
    """
    await lock_name(session, LOCK)
    query = select(*COLUMNS).where(AuditEntry.sequence <= target).order_by(AuditEntry.sequence).limit(BATCH)
    rows = (await session.execute(query)).all()
    if not rows:
        return 0, {}
    before = await beginning(session, keys, rows[0].sequence)
    for row in rows:
        each = link_of(row)
        if (broken := compare(before, each)) is not None:
            raise ConflictError(f"Not pruned: {broken.sentence} `fotofila audit verify` says more.")
        before = each
    await session.execute(delete(AuditEntry).where(AuditEntry.sequence <= before.sequence))
    await session.execute(delete(AuditCheckpoint).where(AuditCheckpoint.sequence <= before.sequence))
    document = keys.sign(
        unsigned(sequence=before.sequence, end=before.hash, at=now, previous_sequence=before.sequence, document=PRUNING)
    )
    session.add(
        AuditCheckpoint(
            sequence=before.sequence,
            hash=before.hash,
            at=now,
            previous_sequence=before.sequence,
            key_id=document["key_id"],
            signature=document["signature"],
        )
    )
    await session.flush()
    return len(rows), document


async def beginning(session: AsyncSession, keys: SigningKeys, first: int) -> Link:
    """Return what the first entry that is there follows: nothing, or what a pruning says.

    Raises:
        BadSignatureError: the pruning was changed.
    """
    row = await session.get(AuditCheckpoint, first - 1)
    if row is None or row.previous_sequence != row.sequence:
        return Link(sequence=0, digest=None, previous_hash="", hash=START)
    keys.demand(document_of(keys)(row))
    return Link(sequence=row.sequence, digest=None, previous_hash="", hash=row.hash)


async def sweep(context: Context) -> int:
    """Take out what is older than `FOTOFILA_AUDIT_RETENTION_DAYS`; return how many entries."""
    days = context.settings.audit_retention_days
    if not days:
        return 0
    before = context.clock.now() - timedelta(days=days)
    async with context.db.read() as session:
        oldest = await session.scalar(select(AuditEntry.at).order_by(AuditEntry.sequence).limit(1))
    if oldest is None or oldest >= before - SPARED:
        return 0
    try:
        return (await prune(context, signing_keys(context), before=before, actor=SYSTEM)).entries
    except FotofilaError as error:
        log.error("audit.not_pruned", sentence=error.message)  # noqa: TRY400 - the sentence says it all
        return 0
