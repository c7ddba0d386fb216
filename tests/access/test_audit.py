from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text

from fotofila.access.audit import OPERATOR, Actor, record
from fotofila.access.audit_append import append_batch, append_waiting, run
from fotofila.access.audit_chain import START, canonical, moment, plain
from fotofila.access.audit_export import chain_lines, verify_file
from fotofila.access.audit_gather import HOLD, look_at
from fotofila.access.audit_models import AuditCheckpoint, AuditEntry, AuditInbox
from fotofila.access.audit_verify import Verification, document_of, verify_database
from fotofila.access.receipts import SigningKeys, signing_keys
from fotofila.access.workspaces import DEFAULT_WORKSPACE
from fotofila.core.capability import Context
from fotofila.testing.clock import FakeClock
from tests.api.conftest import open_context

DOCS = Path(__file__).parents[2] / "docs" / "explanation" / "audit-log.md"
ACTOR = Actor(kind="key", id="k" * 32)
OTHER = "f" * 32
SIGNED, ALL = 6, 10


@pytest.fixture
async def context(tmp_path: Path, clock: FakeClock, database_url: str) -> AsyncIterator[Context]:
    """A program that signs at the first entry and every six after it."""
    async with open_context(tmp_path, clock, database_url=database_url, audit_checkpoint_entries=SIGNED) as made:
        yield made


@pytest.fixture
def keys(context: Context) -> SigningKeys:
    return signing_keys(context)


async def add(context: Context, number: int, *, owner: str = DEFAULT_WORKSPACE) -> None:
    async with context.db.write() as session:
        await record(
            session,
            owner=owner,
            actor=ACTOR,
            action="faces.search",
            subject="visitors",
            detail={"number": number, "threshold": 80.5, "text": 'ação "\n'},
            now=context.clock.now(),
        )


@pytest.fixture
async def filled(context: Context, keys: SigningKeys) -> Context:
    """Ten entries; checkpoints at 6 and nowhere else."""
    for number in range(SIGNED):
        await add(context, number)
    await append_waiting(context, keys)
    for number in range(SIGNED, ALL):
        await add(context, number)
    await append_waiting(context, keys)
    return context


async def tamper(context: Context, *statements: str) -> None:
    async with context.db.write() as session:
        for statement in statements:
            await session.execute(text(statement))


async def look(context: Context, keys: SigningKeys) -> Verification:
    return await verify_database(context.db, keys)


async def test_entries_are_chained_in_the_order_in_which_they_were_made(filled: Context, keys: SigningKeys) -> None:
    found = await look(filled, keys)
    assert (found.entries, found.pending, found.broken) == (ALL, 0, None)
    assert (found.checkpoints, found.signed_until) == (1, SIGNED)
    async with filled.db.read() as session:
        rows = (await session.scalars(select(AuditEntry).order_by(AuditEntry.sequence))).all()
    assert [json.loads(row.detail)["number"] for row in rows] == list(range(ALL))
    assert rows[0].previous_hash == START
    await add(filled, 99)
    found = await look(filled, keys)
    assert (found.entries, found.pending, found.broken) == (ALL, 1, None)


async def test_the_appender_chains_what_waits_before_it_stops(context: Context, keys: SigningKeys) -> None:
    await add(context, 1)
    stop = asyncio.Event()
    stop.set()
    await run(context, stop)
    assert (await look(context, keys)).entries == 1


async def test_an_entry_that_was_spoiled_while_it_waited_is_chained_as_such(
    context: Context, keys: SigningKeys
) -> None:
    for number in range(3):
        await add(context, number)
    await tamper(context, "UPDATE audit_inbox SET detail = 'no JSON' WHERE id = (SELECT min(id) FROM audit_inbox)")
    assert await append_waiting(context, keys) == 3
    assert (await look(context, keys)).broken is None
    async with context.db.read() as session:
        details = (await session.scalars(select(AuditEntry.detail).order_by(AuditEntry.sequence))).all()
    assert json.loads(details[0]) == {"unreadable": "no JSON"}


async def test_an_entry_is_there_exactly_when_its_deed_is(context: Context, keys: SigningKeys) -> None:
    async with context.db.write() as session:
        await record(
            session, owner=OTHER, actor=ACTOR, action="faces.erase", subject="x", detail={}, now=context.clock.now()
        )
        await session.rollback()
    assert await append_waiting(context, keys) == 0


async def test_what_only_reads_takes_no_entry(context: Context) -> None:
    async with context.db.read() as session:
        with pytest.raises(RuntimeError, match="only reads"):
            await record(
                session, owner=OTHER, actor=ACTOR, action="a.b", subject=None, detail={}, now=context.clock.now()
            )


async def test_several_appenders_make_one_chain(context: Context, keys: SigningKeys) -> None:
    await asyncio.gather(*(add(context, number) for number in range(20)))
    await asyncio.gather(*(append_waiting(context, keys) for _ in range(4)))
    while await context.db.transact(append_batch):
        pass
    found = await look(context, keys)
    assert (found.entries, found.pending, found.broken) == (20, 0, None)


COLUMNS = {
    "id": f"'{'e' * 32}'",
    "owner": f"'{OTHER}'",
    "at": "'2020-01-01 00:00:00.000000+00'",
    "actor_kind": "'user'",
    "actor_id": "NULL",
    "action": "'faces.index'",
    "subject": "'staff'",
    "detail": "'[5]'",
    "hash": f"'{'0' * 64}'",
    "previous_hash": f"'{'0' * 64}'",
}


@pytest.fixture
async def restore(filled: Context) -> Callable[[], Awaitable[None]]:
    """Return what brings the log back as it was."""
    tables = ("audit_log", "audit_checkpoints")
    await tamper(filled, *(f"CREATE TABLE kept_{table} AS SELECT * FROM {table}" for table in tables))

    async def again() -> None:
        for table in tables:
            await tamper(filled, f"DELETE FROM {table}", f"INSERT INTO {table} SELECT * FROM kept_{table}")

    return again


async def test_a_change_of_any_field_is_found_where_it_is(
    filled: Context, keys: SigningKeys, restore: Callable[[], Awaitable[None]]
) -> None:
    table = {column.name for column in AuditEntry.__table__.columns}
    assert table == {*COLUMNS, "sequence"}
    for column, value in COLUMNS.items():
        await tamper(filled, f"UPDATE audit_log SET {column} = {value} WHERE sequence = 4")
        broken = (await look(filled, keys)).broken
        assert broken is not None, column
        assert (broken.sequence, broken.kind in {"changed", "moved"}) == (4, True), column
        await restore()
    assert (await look(filled, keys)).broken is None


SWAP = (
    "UPDATE audit_log SET sequence = 1000 WHERE sequence = 7",
    "UPDATE audit_log SET sequence = 7 WHERE sequence = 8",
    "UPDATE audit_log SET sequence = 8 WHERE sequence = 1000",
)
FIRST = "UPDATE audit_log SET sequence = sequence - 1000", "UPDATE audit_log SET sequence = sequence + 999"
COPY = (
    f"INSERT INTO audit_log (sequence, {', '.join(COLUMNS)}) SELECT {{sequence}}, "
    f"{', '.join(COLUMNS).replace('id', repr('e' * 32), 1)} FROM audit_log WHERE sequence = 4"
)
DAMAGE: Mapping[str, tuple[tuple[str, ...], int, str]] = {
    "detail that is no JSON": (("UPDATE audit_log SET detail = 'not json' WHERE sequence = 3",), 3, "changed"),
    "two taken out": (("DELETE FROM audit_log WHERE sequence IN (4, 5)",), 4, "removed"),
    "one taken out": (("DELETE FROM audit_log WHERE sequence = 9",), 9, "removed"),
    "the first taken out": (("DELETE FROM audit_log WHERE sequence = 1",), 1, "removed"),
    "the first taken out, the rest moved up": (("DELETE FROM audit_log WHERE sequence = 1", *FIRST), 1, "moved"),
    "two changed places": (SWAP, 7, "moved"),
    "put in before the first": ((COPY.format(sequence=0),), 0, "moved"),
    "put in at the end": ((COPY.format(sequence=11),), 11, "moved"),
    "cut off": (("DELETE FROM audit_log WHERE sequence > 4",), 5, "cut_off"),
    "all gone": (("DELETE FROM audit_log",), 1, "cut_off"),
    "a checkpoint changed": ((f"UPDATE audit_checkpoints SET hash = '{'0' * 64}'",), 6, "bad_checkpoint"),
    "a checkpoint moved": (("UPDATE audit_checkpoints SET sequence = 5",), 5, "bad_checkpoint"),
}


async def test_damage_is_named_by_the_first_entry_that_it_touches(
    filled: Context, keys: SigningKeys, restore: Callable[[], Awaitable[None]]
) -> None:
    for name, (statements, sequence, kind) in DAMAGE.items():
        await tamper(filled, *statements)
        broken = (await look(filled, keys)).broken
        assert broken is not None, name
        assert (broken.sequence, broken.kind) == (sequence, kind), name
        await restore()
    if filled.db.is_sqlite:  # PostgreSQL takes nothing but a time
        await tamper(filled, "UPDATE audit_log SET at = 'long ago' WHERE sequence = 2")
        broken = (await look(filled, keys)).broken
        assert broken is not None
        assert (broken.sequence, broken.kind) == (2, "changed")


async def rewrite(context: Context, keys: SigningKeys, sequence: int) -> None:
    """Change an entry as somebody would who knows how the hashes are made: all from there on are made anew."""
    async with context.db.write() as session:
        rows = (await session.scalars(select(AuditEntry).order_by(AuditEntry.sequence))).all()
        later = rows[sequence - 1 :]
        for row in later:
            session.add(
                AuditInbox(
                    id=row.id if row is not later[0] else "0" * 32,
                    owner=row.owner,
                    at=row.at,
                    actor_kind=row.actor_kind,
                    actor_id=row.actor_id,
                    action=row.action,
                    subject=row.subject if row is not later[0] else "nobody",
                    detail=row.detail,
                )
            )
            await session.delete(row)
    while await context.db.transact(append_batch):
        pass


async def test_who_makes_all_hashes_anew_is_found_by_the_signature(filled: Context, keys: SigningKeys) -> None:
    await rewrite(filled, keys, 3)
    broken = (await look(filled, keys)).broken
    assert broken is not None
    assert (broken.sequence, broken.kind) == (1, "rewritten")
    assert "from 1 to 6" in broken.sentence


async def test_one_entry_with_a_new_hash_does_not_fit_the_next(filled: Context, keys: SigningKeys) -> None:
    async with filled.db.read() as session:
        before = (await session.scalars(select(AuditEntry.hash).where(AuditEntry.sequence == 9))).one()
    await rewrite(filled, keys, 8)
    await tamper(filled, f"UPDATE audit_log SET hash = '{before}' WHERE sequence = 9")
    broken = (await look(filled, keys)).broken
    assert broken is not None
    assert broken.sequence == 9


async def test_a_checkpoint_kept_elsewhere_tells_of_what_was_cut_off_with_the_last_one(
    filled: Context, keys: SigningKeys
) -> None:
    async with filled.db.read() as session:
        kept = document_of(keys)((await session.scalars(select(AuditCheckpoint))).one())
    await tamper(filled, "DELETE FROM audit_log WHERE sequence > 4", "DELETE FROM audit_checkpoints")
    assert (await look(filled, keys)).broken is None  # nothing inside tells of it
    broken = (await verify_database(filled.db, keys, [kept])).broken
    assert broken is not None
    assert (broken.sequence, broken.kind) == (5, "cut_off")


async def test_checkpoints_come_with_time_where_little_happens_and_tell_of_each_other(
    filled: Context, keys: SigningKeys, clock: FakeClock
) -> None:
    clock.advance(3601)
    await append_waiting(filled, keys)
    await append_waiting(filled, keys)
    async with filled.db.read() as session:
        signed = (await session.scalars(select(AuditCheckpoint.sequence).order_by(AuditCheckpoint.sequence))).all()
    assert signed == [SIGNED, ALL]
    assert (await look(filled, keys)).signed_until == ALL
    await tamper(filled, f"DELETE FROM audit_checkpoints WHERE sequence = {SIGNED}")
    broken = (await look(filled, keys)).broken
    assert broken is not None
    assert (broken.sequence, broken.kind) == (SIGNED, "bad_checkpoint")


async def test_an_export_is_verified_without_the_database_and_hides_what_others_did(
    filled: Context, keys: SigningKeys, tmp_path: Path
) -> None:
    await add(filled, 11, owner=OTHER)
    await append_waiting(filled, keys)
    lines = [line async for line in chain_lines(filled.db, keys, owner=DEFAULT_WORKSPACE)]
    assert OTHER not in "".join(lines)
    path = tmp_path / "audit.jsonl"
    path.write_text("".join(lines), encoding="utf-8")
    found = await verify_file(path, keys)
    assert (found.entries, found.checkpoints, found.broken) == (ALL + 1, 1, None)
    for number, line in enumerate(lines):
        path.write_text("".join([*lines[:number], *lines[number + 1 :]]), encoding="utf-8")
        gone = (await verify_file(path, keys)).broken
        assert (gone is None) == ("fotofila-checkpoint" in line or number == len(lines) - 1)


async def test_the_program_of_the_docs_verifies_an_export_and_stops_at_what_was_changed(
    filled: Context, keys: SigningKeys
) -> None:
    program = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)[0]

    def run_it(lines: list[str]) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-X", "utf8", "-c", program]
        return subprocess.run(command, check=False, input="".join(lines), capture_output=True, encoding="utf-8")

    lines = [line async for line in chain_lines(filled.db, keys, owner=None)]
    assert run_it(lines).returncode == 0
    changed = [line.replace('"number":4', '"number":5') for line in lines]
    assert run_it(changed).stderr.strip().endswith("AssertionError: 5")


def test_values_have_one_way_to_be_written() -> None:
    assert canonical(plain({"b": 0.1 + 0.2, "a": 2**60, "c": [1, True, None, "é\u2028\x7f\0"]})) == (
        '{"a":"1152921504606846976","b":"0.3","c":[1,true,null,"é\u2028\x7f\ufffd"]}'
    )
    with pytest.raises(TypeError, match="no place"):
        plain({"vector": b"\0"})


async def see(context: Context, actor: Actor, *faces: str, subject: str = "visitors") -> None:
    for face in faces:
        async with context.db.write() as session:
            await record(
                session,
                owner=DEFAULT_WORKSPACE,
                actor=actor,
                action="faces.view",
                subject=subject,
                detail=look_at(face),
                now=context.clock.now(),
            )


async def test_looks_of_a_minute_are_one_entry_for_each_actor_and_collection(
    context: Context, keys: SigningKeys, clock: FakeClock
) -> None:
    await see(context, ACTOR, "a", "b")
    await see(context, OPERATOR, "a")
    await add(context, 1)
    await see(context, ACTOR, "c", subject="staff")
    assert await append_waiting(context, keys) == 1, "what is no look does not wait"
    clock.advance(HOLD.total_seconds() - 1)
    await see(context, ACTOR, "b", "d")
    assert (await append_waiting(context, keys), (await look(context, keys)).pending) == (0, 6)
    clock.advance(1)
    assert await append_waiting(context, keys) == 3
    async with context.db.read() as session:
        rows = (await session.scalars(select(AuditEntry).order_by(AuditEntry.sequence))).all()
    told = [(row.actor_kind, row.subject, json.loads(row.detail)) for row in rows[1:]]
    assert [each[:2] for each in told] == [("key", "visitors"), ("operator", "visitors"), ("key", "staff")]
    assert told[0][2] == {"each": ["a", "b", "d"], "looks": 4, "until": moment(clock.now() - timedelta(seconds=1))}
    assert [each[2] for each in told[1:]] == [{"each": ["a"]}, {"each": ["c"]}]
    found = await look(context, keys)
    assert (found.entries, found.pending, found.broken) == (4, 0, None)


async def test_a_look_that_was_spoiled_while_it_waited_is_chained_alone(context: Context, keys: SigningKeys) -> None:
    await see(context, ACTOR, "a", "b", "c")
    await tamper(context, """UPDATE audit_inbox SET detail = '{"each":[1' WHERE detail LIKE '%"b"%'""")
    assert await append_waiting(context, keys, hold=None) == 2
    async with context.db.read() as session:
        rows = (await session.scalars(select(AuditEntry).order_by(AuditEntry.sequence))).all()
    assert [json.loads(row.detail).get("each") for row in rows] == [["a", "c"], None]
    assert (await look(context, keys)).broken is None
