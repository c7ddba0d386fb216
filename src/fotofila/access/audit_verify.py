"""Following the chain from its beginning: the first entry that is not what was written is named.

A log that was pruned begins after the entry that a signed pruning names; see `audit_prune.py`.

What cannot be seen from the inside alone: entries taken from the end after the last checkpoint, and a last checkpoint
that was taken away with them. Checkpoints that are kept elsewhere (`fotofila audit checkpoints`, or the program's log)
close that gap.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, Literal, cast

from sqlalchemy import Row, Text, func, select, type_coerce

from fotofila.access.audit_append import CHECKPOINT, PRUNING, unsigned
from fotofila.access.audit_chain import START, Entry, body_of, digest_of, link
from fotofila.access.audit_models import AuditCheckpoint, AuditEntry, AuditInbox
from fotofila.access.receipts import BadSignatureError, SigningKeys, encode, raw_key
from fotofila.core.db import Database

PAGE = 500
TABLE = AuditEntry.__table__
COLUMNS = (*(each for each in TABLE.columns if each.name != "at"), type_coerce(AuditEntry.at, Text).label("at"))
"""The time as the database keeps it: what is no time any more must be told, and not stop the reading."""

Kind = Literal["changed", "moved", "removed", "replaced", "rewritten", "cut_off", "bad_checkpoint"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What holds an entry in the chain; without a digest what it says cannot be read as it was written."""

    sequence: int
    digest: str | None
    previous_hash: str
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """The first place where the chain is not what was written."""

    sequence: int
    kind: Kind
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What was found: whole where `broken` is None."""

    entries: int
    hash: str
    """Where the chain ends, or where it broke."""
    checkpoints: int
    """Checkpoints that fit, with a signature of ours."""
    signed_until: int
    pruned_until: int = 0
    """The entries up to here were pruned, as a signature of ours says; the chain was followed from the next one on."""
    pending: int = 0
    unknown_keys: tuple[str, ...] = ()
    """Keys that signed checkpoints and are not known here: give their public halves."""
    broken: Broken | None = None


async def verify_database(
    database: Database, keys: SigningKeys, extra: Sequence[Mapping[str, Any]] = ()
) -> Verification:
    """Verify the log of a database; `extra` are checkpoints that were kept elsewhere."""
    while True:
        documents = await signed_documents(database, keys)
        found = await verify(links(database), [*documents, *extra], keys)
        if found.broken is None or begin_of(documents) == begin_of(await signed_documents(database, keys)):
            break  # else it was pruned meanwhile, and what was read is not one log
    async with database.read() as session:
        pending = await session.scalar(select(func.count()).select_from(AuditInbox)) or 0
    return replace(found, pending=pending)


async def signed_documents(database: Database, keys: SigningKeys) -> list[dict[str, Any]]:
    """Return every checkpoint and pruning, oldest first."""
    async with database.read() as session:
        rows = (await session.scalars(select(AuditCheckpoint).order_by(AuditCheckpoint.sequence))).all()
    return [*map(document_of(keys), rows)]


def begin_of(documents: Sequence[Mapping[str, Any]]) -> int:
    """Return up to where the log was pruned."""
    return max((each["sequence"] for each in documents if each["format"] == PRUNING), default=0)


async def verify(
    chain: AsyncIterator[Link], checkpoints: Sequence[Mapping[str, Any]], keys: SigningKeys
) -> Verification:
    """Follow a chain and compare it with checkpoints."""
    signed, unknown, bad = sort_out(checkpoints, keys)
    good = {sequence: document for sequence, document in signed.items() if bad is None or sequence < bad.sequence}
    begin = start_of(good, None)
    before, count, until = begin, 0, begin.sequence
    broken: Broken | None = None
    async for each in chain:
        if not count:
            begin = before = start_of(good, each.sequence)
            until = begin.sequence
        broken = compare(before, each) or unlike(each, good.get(each.sequence), until)
        if broken is not None:
            break
        before, count = each, count + 1
        until = each.sequence if each.sequence in good else until
    if broken is None and (missing := max(good, default=0)) > before.sequence:
        broken = Broken(
            sequence=before.sequence + 1,
            kind="cut_off",
            sentence=f"Entries {before.sequence + 1} to {missing}, at least, are gone: they were signed.",
        )
    return Verification(
        entries=count,
        hash=before.hash,
        checkpoints=sum(begin.sequence < sequence <= before.sequence for sequence in good),
        signed_until=until,
        pruned_until=begin.sequence,
        unknown_keys=unknown,
        broken=min((each for each in (broken, bad) if each), key=lambda each: each.sequence, default=None),
    )


def start_of(good: Mapping[int, Mapping[str, Any]], first: int | None) -> Link:
    """Return what the first entry that is there follows: nothing, or what the last pruning before it says."""
    prunings = (sequence for sequence, document in good.items() if document.get("format") == PRUNING)
    sequence = max((each for each in prunings if first is None or each < first), default=0)
    return Link(sequence=sequence, digest=None, previous_hash="", hash=good[sequence]["hash"] if sequence else START)


def compare(before: Link, each: Link) -> Broken | None:
    """Say what is wrong with an entry, seen from the one before it."""
    here, wanted = each.sequence, before.sequence + 1
    if here < wanted:
        return Broken(sequence=here, kind="moved", sentence=f"Entry {here} was moved or put in.")
    if here > wanted:
        gone = f"Entry {wanted} is" if here == wanted + 1 else f"Entries {wanted} to {here - 1} are"
        return Broken(sequence=wanted, kind="removed", sentence=f"{gone} gone.")
    follows = each.previous_hash == before.hash
    intact = each.digest is not None and link(each.previous_hash, each.digest) == each.hash
    if intact and not follows and before.sequence:
        text = f"Entry {here} was written after another entry {before.sequence}: that was replaced, or put in."
        return Broken(sequence=before.sequence, kind="replaced", sentence=text)
    if follows and not intact:
        return Broken(sequence=here, kind="changed", sentence=f"Entry {here} was changed after it was written.")
    if not follows:
        return Broken(sequence=here, kind="moved", sentence=f"Entry {here} was changed, moved or put in.")
    return None


def unlike(each: Link, document: Mapping[str, Any] | None, until: int) -> Broken | None:
    """Say so where an entry is not the one that was signed."""
    if document is None or document["hash"] == each.hash:
        return None
    text = (
        f"An entry from {until + 1} to {each.sequence} was changed and the hashes were made anew: "
        f"they are not those that were signed at {document['at']}."
    )
    return Broken(sequence=until + 1, kind="rewritten", sentence=text)


def sort_out(
    documents: Sequence[Mapping[str, Any]], keys: SigningKeys
) -> tuple[dict[int, Mapping[str, Any]], tuple[str, ...], Broken | None]:
    """Return checkpoints with a good signature by sequence, keys that are not known, and the first that is wrong."""
    good: dict[int, Mapping[str, Any]] = {}
    unknown: dict[str, None] = {}
    wrong: list[Broken] = []
    seen = {0, *(int(document["sequence"]) for document in documents)}
    pruned = 0
    for document in sorted(documents, key=lambda each: each.get("format") != PRUNING):
        sequence = int(document["sequence"])
        if document["key_id"] not in keys.public:
            unknown[str(document["key_id"])] = None
            continue
        try:
            keys.demand(document)
        except BadSignatureError:
            text = f"The checkpoint at entry {sequence} was changed: its signature does not fit."
            wrong.append(Broken(sequence=sequence, kind="bad_checkpoint", sentence=text))
            continue
        if document.get("format") == PRUNING:
            pruned = max(pruned, sequence)
        if (previous := int(document["previous_sequence"])) not in seen and previous > pruned:
            text = f"The checkpoint at entry {previous} is gone: the one at {sequence} tells of it."
            wrong.append(Broken(sequence=previous, kind="bad_checkpoint", sentence=text))
        if sequence in good and good[sequence]["hash"] != document["hash"]:
            text = f"Two checkpoints at entry {sequence} are signed, and they differ."
            wrong.append(Broken(sequence=sequence, kind="bad_checkpoint", sentence=text))
        good.setdefault(sequence, document)
    return good, tuple(unknown), min(wrong, key=lambda each: each.sequence, default=None)


def document_of(keys: SigningKeys) -> Any:
    """Return what makes the signed document of a row again: the public key is not kept with each."""

    def make(row: AuditCheckpoint) -> dict[str, Any]:
        name = PRUNING if row.previous_sequence == row.sequence else CHECKPOINT
        previous = row.previous_sequence
        body = unsigned(sequence=row.sequence, end=row.hash, at=row.at, previous_sequence=previous, document=name)
        public = keys.public.get(row.key_id)
        shown = {"public_key": encode(raw_key(public))} if public is not None else {}
        return {**body, "key_id": row.key_id, **shown, "signature": row.signature}

    return make


async def links(database: Database) -> AsyncIterator[Link]:
    """Give what holds each entry in the chain, the first first, a page at a time: no transaction is open meanwhile."""
    after: int | None = None
    while True:
        query = select(*COLUMNS).order_by(AuditEntry.sequence).limit(PAGE)
        async with database.read() as session:
            rows = (await session.execute(query if after is None else query.where(AuditEntry.sequence > after))).all()
        for row in rows:
            yield link_of(row)
        if len(rows) < PAGE:
            return
        after = rows[-1].sequence


def link_of(row: Row[Any]) -> Link:
    """Shape a row, whatever somebody has put into it."""
    try:
        at = row.at if isinstance(row.at, datetime) else datetime.fromisoformat(row.at).replace(tzinfo=UTC)
        body = body_of(cast("Entry", SimpleNamespace(**{**row._mapping, "at": at})), row.sequence)  # noqa: SLF001 - its public name
        digest: str | None = digest_of(body)
    except (ValueError, TypeError):
        digest = None
    return Link(sequence=row.sequence, digest=digest, previous_hash=str(row.previous_hash), hash=str(row.hash))
