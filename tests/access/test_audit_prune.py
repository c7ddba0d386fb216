"""Taking the oldest entries out of the log leaves one that can be verified, and that nobody else could have made."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text

from fotofila.access import audit_prune
from fotofila.access.audit import OPERATOR, Actor, record
from fotofila.access.audit_append import append_waiting
from fotofila.access.audit_export import chain_lines, verify_file
from fotofila.access.audit_models import AuditCheckpoint, AuditEntry
from fotofila.access.audit_prune import prune, sweep
from fotofila.access.audit_verify import Verification, document_of, verify_database
from fotofila.access.receipts import SigningKeys, load_signing_keys, signing_keys
from fotofila.access.workspaces import DEFAULT_WORKSPACE
from fotofila.core.capability import Context
from fotofila.core.config import load_settings
from fotofila.core.crypto import SecretKeys
from fotofila.core.errors import ConflictError
from fotofila.testing.clock import FakeClock
from tests.api.conftest import open_context

DOCS = Path(__file__).parents[2] / "docs" / "explanation" / "audit-log.md"
DAY = 86400.0
DAYS = 10


@asynccontextmanager
async def ten_days(folder: Path, clock: FakeClock, **given: Any) -> AsyncIterator[Context]:
    """Ten entries, a day between two, and checkpoints at 1, 4, 7 and 10."""
    settings = {"audit_checkpoint_entries": 3, "audit_checkpoint_seconds": 1e9, **given}
    async with open_context(folder, clock, **settings) as made:
        keys = signing_keys(made)
        for _ in range(DAYS):
            await add(made)
            await append_waiting(made, keys)
            clock.advance(DAY)
        yield made


@pytest.fixture
async def context(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Context]:
    async with ten_days(tmp_path, clock) as made:
        yield made


@pytest.fixture
async def either(tmp_path: Path, clock: FakeClock, database_url: str) -> AsyncIterator[Context]:
    """The same on either database, for what is written so that it might differ."""
    async with ten_days(tmp_path, clock, database_url=database_url) as made:
        yield made


@pytest.fixture
def keys(tmp_path: Path) -> SigningKeys:
    settings = load_settings(data_dir=tmp_path)
    return load_signing_keys(settings, SecretKeys.load("", tmp_path / "secret.key"))


async def add(context: Context) -> None:
    async with context.db.write() as session:
        await record(
            session,
            owner=DEFAULT_WORKSPACE,
            actor=Actor(kind="key", id="k" * 32),
            action="faces.search",
            subject="visitors",
            detail={"threshold": 80},
            now=context.clock.now(),
        )


async def tamper(context: Context, *statements: str) -> None:
    async with context.db.write() as session:
        for statement in statements:
            await session.execute(text(statement))


async def documents(context: Context, keys: SigningKeys) -> list[dict[str, object]]:
    async with context.db.read() as session:
        rows = (await session.scalars(select(AuditCheckpoint).order_by(AuditCheckpoint.sequence))).all()
    return [document_of(keys)(row) for row in rows]


async def entries(context: Context) -> int:
    async with context.db.read() as session:
        return await session.scalar(select(func.count()).select_from(AuditEntry)) or 0


async def prune_days(context: Context, keys: SigningKeys, *, left: int) -> audit_prune.Pruned:
    """Take out all but the entries of the last days."""
    before = context.clock.now() - timedelta(days=left)
    return await prune(context, keys, before=before, actor=OPERATOR)


async def look(context: Context, keys: SigningKeys) -> Verification:
    return await verify_database(context.db, keys)


async def test_what_is_left_is_verified_from_the_last_entry_that_went(either: Context, keys: SigningKeys) -> None:
    kept = await documents(either, keys)
    pruned = await prune_days(either, keys, left=5)
    assert (pruned.entries, pruned.until) == (5, 5)
    await append_waiting(either, keys)
    found = await look(either, keys)
    assert (found.entries, found.pruned_until, found.broken) == (6, 5, None)  # five, and the entry of the pruning
    async with either.db.read() as session:
        last = (await session.scalars(select(AuditEntry).order_by(AuditEntry.sequence.desc()).limit(1))).one()
    assert (last.action, json.loads(last.detail)["until"]) == ("audit.prune", 5)
    await add(either)
    await append_waiting(either, keys)
    again = await prune_days(either, keys, left=2)
    assert (again.entries, again.until) == (3, 8)
    found = await verify_database(either.db, keys, kept)
    assert (found.pruned_until, found.broken) == (8, None), "checkpoints from elsewhere still fit"
    assert [each["format"] for each in await documents(either, keys)].count("fotofila-pruning/1") == 1


async def test_a_log_goes_in_batches_and_is_whole_after_each(
    either: Context, keys: SigningKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_prune, "BATCH", 2)
    await tamper(either, "UPDATE audit_log SET actor_id = 'x' WHERE sequence = 6")
    with pytest.raises(ConflictError, match="Entry 6 was changed"):
        await prune_days(either, keys, left=1)
    assert await entries(either) == 6, "what is not as it was written stays, and what follows it"
    found = await look(either, keys)
    assert found.broken is not None
    assert (found.pruned_until, found.broken.sequence, found.broken.kind) == (4, 6, "changed")


async def test_the_newest_entry_stays_and_nothing_is_pruned_twice(either: Context, keys: SigningKeys) -> None:
    assert (await prune_days(either, keys, left=0)).entries == DAYS - 1
    assert (await prune_days(either, keys, left=0)).entries == 0
    assert (await look(either, keys)).broken is None


@pytest.mark.parametrize(
    ("statements", "sequence", "kind"),
    [
        (("DELETE FROM audit_log WHERE sequence = 6",), 6, "removed"),
        (("DELETE FROM audit_checkpoints WHERE sequence = 5",), 1, "removed"),
        (("DELETE FROM audit_checkpoints WHERE sequence = 7",), 7, "bad_checkpoint"),
        (("UPDATE audit_checkpoints SET sequence = 6, previous_sequence = 6 WHERE sequence = 5",), 1, "removed"),
        (
            (
                "DELETE FROM audit_log WHERE sequence <= 7",
                "DELETE FROM audit_checkpoints WHERE sequence = 5",
                "UPDATE audit_checkpoints SET previous_sequence = 7 WHERE sequence = 7",
            ),
            1,
            "removed",
        ),
    ],
    ids=["entry", "pruning", "checkpoint", "moved pruning", "forged pruning"],
)
async def test_what_somebody_else_takes_out_is_missed(
    context: Context, keys: SigningKeys, statements: tuple[str, ...], sequence: int, kind: str
) -> None:
    await prune_days(context, keys, left=5)
    assert (await look(context, keys)).broken is None
    await tamper(context, *statements)
    broken = (await look(context, keys)).broken
    assert broken is not None
    assert (broken.sequence, broken.kind) == (sequence, kind)


async def test_an_export_of_a_pruned_log_is_verified_by_us_and_by_the_program_of_the_docs(
    context: Context, keys: SigningKeys, tmp_path: Path
) -> None:
    whole = tmp_path / "whole.jsonl"
    whole.write_text("".join([line async for line in chain_lines(context.db, keys, owner=None)]), encoding="utf-8")
    await prune_days(context, keys, left=5)
    lines = [line async for line in chain_lines(context.db, keys, owner=None)]
    path = tmp_path / "left.jsonl"
    path.write_text("".join(lines), encoding="utf-8")
    found = await verify_file(path, keys)
    assert (found.entries, found.pruned_until, found.broken) == (5, 5, None)
    found = await verify_file(whole, keys, await documents(context, keys))
    assert (found.entries, found.pruned_until, found.broken) == (DAYS, 0, None), "the whole log, and a later pruning"
    path.write_text("".join(lines[1:]), encoding="utf-8")
    assert (await verify_file(path, keys)).broken is not None
    program = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)[0]
    assert run_program(program, lines) == 0
    assert run_program(program, [*lines[:1], *lines[2:]]) != 0


def run_program(program: str, lines: list[str]) -> int:
    command = [sys.executable, "-X", "utf8", "-c", program]
    return subprocess.run(command, check=False, input="".join(lines), capture_output=True, encoding="utf-8").returncode


async def test_old_entries_are_swept_a_day_at_a_time_where_that_is_set(context: Context, clock: FakeClock) -> None:
    assert await sweep(context) == 0, "off by default"
    kept = replace(context, settings=context.settings.model_copy(update={"audit_retention_days": DAYS - 4}))
    assert await sweep(kept) == 4
    clock.advance(DAY / 2)
    assert await sweep(kept) == 0
    clock.advance(DAY / 2 + 1)
    assert await sweep(kept) == 2
