"""Entries for people and files: a page of them, CSV, and JSON lines that are verified without a database.

A line of the latter is an entry with its hashes, a checkpoint, or a stand-in: in a workspace's export the entries of
others are there by their digests alone.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.access.audit_append import CHECKPOINT, PRUNING
from fotofila.access.audit_chain import body_of, canonical, digest_of, moment
from fotofila.access.audit_models import AuditCheckpoint, AuditEntry
from fotofila.access.audit_verify import Link, Verification, document_of, verify
from fotofila.access.receipts import SigningKeys
from fotofila.core.db import Database
from fotofila.core.errors import InvalidInputError

PAGE = 500
SIGNED = (CHECKPOINT, PRUNING)
COLUMNS = ("sequence", "at", "actor_kind", "actor_id", "action", "subject", "detail", "id", "owner", "hash")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What spreadsheets take for a formula: such a cell gets an apostrophe in front."""


class BadAuditFileError(InvalidInputError):
    """A file is no export of the audit log."""

    code = "bad_audit_file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which entries are wanted."""

    owner: str | None = None
    """None: of every workspace."""
    action: str | None = None
    """The whole name, or its first word: `faces` takes in `faces.search`."""
    subject: str | None = None
    actor_id: str | None = None
    start: datetime | None = None
    end: datetime | None = None

    def narrow(self, query: Select[Any]) -> Select[Any]:
        """Add the conditions to a query."""
        wanted = {AuditEntry.owner: self.owner, AuditEntry.subject: self.subject, AuditEntry.actor_id: self.actor_id}
        for column, value in wanted.items():
            if value is not None:
                query = query.where(column == value)
        if self.action is not None:
            family = AuditEntry.action.startswith(f"{self.action}.", autoescape=True)
            query = query.where((AuditEntry.action == self.action) | family)
        if self.start is not None:
            query = query.where(AuditEntry.at >= self.start)
        if self.end is not None:
            query = query.where(AuditEntry.at < self.end)
        return query


async def newest(
    session: AsyncSession, wanted: Filter, *, limit: int, before: int | None = None
) -> Sequence[AuditEntry]:
    """Return entries, the newest first; `before` is the sequence of the last one seen."""
    query = wanted.narrow(select(AuditEntry)).order_by(AuditEntry.sequence.desc()).limit(limit)
    if before is not None:
        query = query.where(AuditEntry.sequence < before)
    return (await session.scalars(query)).all()


async def oldest_first(database: Database, wanted: Filter) -> AsyncIterator[AuditEntry]:
    """Give entries, a page at a time: no transaction is open meanwhile."""
    after = 0
    while True:
        query = wanted.narrow(select(AuditEntry)).where(AuditEntry.sequence > after).order_by(AuditEntry.sequence)
        async with database.read() as session:
            rows = (await session.scalars(query.limit(PAGE))).all()
        for row in rows:
            yield row
        if len(rows) < PAGE:
            return
        after = rows[-1].sequence


def whole(entry: AuditEntry) -> dict[str, Any]:
    """Shape an entry with its hashes.

    Raises:
        ValueError: its detail is no canonical JSON any more.
    """
    body = body_of(entry, entry.sequence)
    return {**body, "previous_hash": entry.previous_hash, "hash": entry.hash}


def shown(entry: AuditEntry) -> dict[str, Any]:
    """Shape an entry for people, even one that was tampered with."""
    try:
        return whole(entry)
    except ValueError:
        detail = {"unreadable": entry.detail}
        made = {name: getattr(entry, name) for name in ("sequence", "id", "owner", "action", "subject")}
        actor = {"kind": entry.actor_kind, "id": entry.actor_id}
        hashes = {"previous_hash": entry.previous_hash, "hash": entry.hash}
        return {**made, "at": moment(entry.at), "actor": actor, "detail": detail, **hashes}


def stand_in(entry: AuditEntry) -> dict[str, Any]:
    """Shape an entry so that the chain can be followed and nothing of it is told."""
    digest = digest_of(whole_body(entry))
    hashes = {"previous_hash": entry.previous_hash, "hash": entry.hash}
    return {"sequence": entry.sequence, "digest": digest, **hashes}


def whole_body(entry: AuditEntry) -> dict[str, Any]:
    """Return what is hashed of an entry, or as much as can be read of it: then the digest does not fit."""
    try:
        return body_of(entry, entry.sequence)
    except ValueError:
        return {"sequence": entry.sequence}


async def json_lines(database: Database, wanted: Filter) -> AsyncIterator[str]:
    """Give the entries that are wanted, one JSON object a line."""
    async for entry in oldest_first(database, wanted):
        yield canonical(shown(entry)) + "\n"


async def chain_lines(database: Database, keys: SigningKeys, *, owner: str | None) -> AsyncIterator[str]:
    """Give the whole chain with its checkpoints; of other workspaces (where `owner` is one) only digests."""
    async with database.read() as session:
        rows = (await session.scalars(select(AuditCheckpoint).order_by(AuditCheckpoint.sequence))).all()
    checkpoints = {row.sequence: document_of(keys)(row) for row in rows}
    for document in [each for each in checkpoints.values() if each["format"] == PRUNING]:  # where the log begins
        yield canonical(checkpoints.pop(document["sequence"])) + "\n"
    async for entry in oldest_first(database, Filter()):
        mine = owner is None or entry.owner == owner
        yield canonical(shown(entry) if mine else stand_in(entry)) + "\n"
        if (document := checkpoints.pop(entry.sequence, None)) is not None:
            yield canonical(document) + "\n"
    for document in checkpoints.values():  # of entries that are gone
        yield canonical(document) + "\n"


async def csv_lines(database: Database, wanted: Filter) -> AsyncIterator[str]:
    """Give the entries that are wanted as CSV, which spreadsheets read."""
    yield csv_line(COLUMNS)
    async for entry in oldest_first(database, wanted):
        cells = {**{name: getattr(entry, name) for name in COLUMNS}, "at": moment(entry.at)}
        yield csv_line("" if cells[name] is None else str(cells[name]) for name in COLUMNS)


def csv_line(cells: Iterable[str]) -> str:
    """Write a line of CSV (RFC 4180)."""
    file = io.StringIO()
    csv.writer(file).writerow([f"'{cell}" if cell.startswith(FORMULA) else cell for cell in cells])
    return file.getvalue()


async def verify_file(path: Path, keys: SigningKeys, extra: Sequence[Mapping[str, Any]] = ()) -> Verification:
    """Verify an export, in constant memory: its checkpoints are read first, its entries then.

    Raises:
        BadAuditFileError: a line is none of an export.
    """
    with path.open(encoding="utf-8") as file:
        signed = [*read_documents(line for line in file if any(each in line for each in SIGNED))]
    checkpoints = [each for each in signed if each.get("format") in SIGNED]
    with path.open(encoding="utf-8") as file:
        return await verify(chain_of(file), [*checkpoints, *extra], keys)


async def chain_of(lines: Iterable[str]) -> AsyncIterator[Link]:
    """Give what holds each entry of a file in the chain."""
    for document in read_documents(lines):
        if document.get("format") not in SIGNED:
            yield link_of_line(document)


def read_documents(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Read JSON lines; raises BadAuditFileError where one is none."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            document = json.loads(line)
        except ValueError:
            document = None
        if not isinstance(document, dict) or not isinstance(document.get("sequence"), int):
            raise BadAuditFileError(f"Line {number} is none of the audit log: `fotofila audit export` writes them.")
        yield document


def link_of_line(document: Mapping[str, Any]) -> Link:
    """Shape a line."""
    body = {name: value for name, value in document.items() if name not in {"previous_hash", "hash"}}
    return Link(
        sequence=document["sequence"],
        digest=str(document["digest"]) if "digest" in document else digest_of(body),
        previous_hash=str(document.get("previous_hash")),
        hash=str(document.get("hash")),
    )
