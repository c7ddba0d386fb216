from __future__ import annotations

import io
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select, text, update

from fotofila.access.audit import OPERATOR
from fotofila.access.audit_append import append_waiting
from fotofila.access.audit_models import AuditEntry
from fotofila.access.receipts import signing_keys
from fotofila.access.workspaces import ensure_default_workspace
from fotofila.bootstrap import make_context
from fotofila.core.capability import Context
from fotofila.core.config import load_settings
from fotofila.faces.collections import care_consent, desk
from fotofila.faces.collections.export import export_collection
from fotofila.faces.collections.export_file import (
    CHUNK,
    BadExportError,
    Secret,
    Writer,
    WrongExportKeyError,
    read_chunks,
    read_lines,
)
from fotofila.faces.collections.export_import import Imported, OtherModelError, import_collection
from fotofila.faces.collections.export_lines import EndLine, parse, survey, write_line
from fotofila.faces.collections.models import CollectionFace, FaceVector
from fotofila.testing.clock import FakeClock
from tests.databases import make_tables
from tests.faces.collections.conftest import OWNER, STRANGER, Place
from tests.faces.collections.painted import PaintedEngine, picture

KEY = Secret(key_file=b"k" * 32)


@pytest.fixture
async def filled(place: Place) -> Place:
    return await fill(place)


async def fill(place: Place) -> Place:
    """Make a collection with three faces, a user, and consents."""
    await place.index(1, external_image_id="ana.jpg")
    await place.index(2, 3, photo=1, external_image_id="group.jpg")
    faces = await desk.list_faces(place.context, OWNER, "guests", actor=OPERATOR, limit=9)
    await desk.create_user(place.context, OWNER, "guests", "ana", actor=OPERATOR)
    await desk.associate_faces(place.context, OWNER, "guests", "ana", [faces[0].face_id], actor=OPERATOR)
    notes = [
        care_consent.Consent(kind="face_id", subject=faces[1].face_id, text="yes, Ben"),
        care_consent.Consent(kind="user_id", subject="ana", text="sim, Ana"),
    ]
    await care_consent.add_consents(place.context, OWNER, "guests", notes, actor=OPERATOR)
    return place


async def export(context: Context, path: Path, *, with_chips: bool = True) -> bytes:
    file = io.BytesIO()
    await export_collection(context, OWNER, "guests", file, KEY, actor=OPERATOR, with_chips=with_chips)
    path.write_bytes(file.getvalue())  # noqa: ASYNC240 - a test
    return file.getvalue()


async def bring(context: Context, path: Path, owner: str = OWNER, **options: Any) -> Imported:
    return await import_collection(context, owner, path, KEY, actor=OPERATOR, **options)


async def whole(context: Context, owner: str, name: str) -> list[Any]:
    """Everything that searches and lists show."""
    faces = await desk.list_faces(context, owner, name, actor=OPERATOR, limit=99)
    users = await desk.list_users(context, owner, name, limit=99)
    found = await desk.search_faces_by_image(
        context, owner, name, picture(1), actor=OPERATOR, threshold=80.0, limit=9, quality_filter="NONE"
    )
    notes = await care_consent.list_consents(context, owner, name, limit=99)
    return [
        [(each.external_image_id, each.user_id, each.image_id, each.indexed_at, each.has_chip) for each in faces],
        [(each.user_id, each.face_count) for each in users],
        [(each.record.external_image_id, each.similarity) for each in found.matches],
        sorted((each.kind, each.text, each.given_at) for each in notes),
    ]


@pytest.fixture
async def other(request: pytest.FixtureRequest, either: Place, tmp_path: Path) -> AsyncIterator[Context]:
    """Another program, with the other database and another secret key."""
    here = either.context.db.is_sqlite
    url = request.getfixturevalue("migrated_url") if here else f"sqlite:///{tmp_path / 'other.db'}"
    made = make_context(load_settings(data_dir=tmp_path / "other", database_url=url), clock=FakeClock())
    context = replace(made, parts={**made.parts, "faces": PaintedEngine()})
    await make_tables(context.db)
    async with context.db.write() as session:
        await ensure_default_workspace(session, now=context.clock.now(), detection="fast")
    yield context
    await context.close()


async def test_a_collection_arrives_whole_in_another_program_and_database(
    either: Place, other: Context, tmp_path: Path
) -> None:
    filled = await fill(either)
    path = tmp_path / "guests.faces"
    raw = await export(filled.context, path)
    assert b"ana" not in raw
    told = await bring(other, path)
    assert (told.created, told.faces, told.faces_renamed, told.users, told.consents, told.chips) == (
        True,
        3,
        0,
        1,
        2,
        3,
    )
    assert told.notes == []
    assert await whole(other, OWNER, "guests") == await whole(filled.context, OWNER, "guests")
    ids = [each.face_id for each in await desk.list_faces(other, OWNER, "guests", actor=OPERATOR, limit=9)]
    mine = await desk.list_faces(filled.context, OWNER, "guests", actor=OPERATOR, limit=9)
    assert ids == [each.face_id for each in mine]
    chip = await desk.get_chip(other, OWNER, "guests", ids[0], actor=OPERATOR)
    assert chip == await desk.get_chip(filled.context, OWNER, "guests", ids[0], actor=OPERATOR)
    info = await desk.describe_collection(other, OWNER, "guests")
    assert (info.face_count, info.user_count) == (3, 1)
    again = await bring(other, path)
    assert (again.created, again.faces, again.faces_there, again.users_there, again.consents_there) == (
        *(False, 0),
        *(3, 1, 2),
    )


async def test_ids_that_are_taken_are_changed_the_same_way_each_time(filled: Place, tmp_path: Path) -> None:
    path = tmp_path / "guests.faces"
    context = filled.context
    await export(context, path)
    first = await bring(context, path, STRANGER, name="copy")
    assert (first.faces, first.faces_renamed, first.chips) == (3, 3, 3)
    assert await whole(context, STRANGER, "copy") == await whole(context, OWNER, "guests")
    notes = await care_consent.list_consents(context, STRANGER, "copy", limit=9, kind="face_id")
    copied = [each.face_id for each in await desk.list_faces(context, STRANGER, "copy", actor=OPERATOR, limit=9)]
    assert [note.subject for note in notes] == [copied[1]]
    again = await bring(context, path, STRANGER, name="copy")
    assert (again.faces, again.faces_there, again.consents_there) == (0, 3, 2)
    same = await bring(context, path)
    assert (same.created, same.faces, same.faces_there) == (False, 0, 3)
    await append_waiting(context, signing_keys(context))
    wanted = AuditEntry.action.in_(["faces.export", "collection.create", "faces.import"])
    query = select(AuditEntry.action, AuditEntry.subject).where(wanted).order_by(AuditEntry.sequence)
    async with context.db.read() as session:
        told = [tuple(row) for row in await session.execute(query)]
    assert told[1:] == [
        ("faces.export", "guests"),
        ("collection.create", "copy"),
        ("faces.import", "copy"),  # begun
        ("faces.import", "copy"),
        ("faces.import", "copy"),  # again: begun, and nothing to do
        ("faces.import", "guests"),
    ]


async def test_vectors_of_another_model_are_told_before_anything_is_written(filled: Place, tmp_path: Path) -> None:
    context, path = filled.context, tmp_path / "guests.faces"
    async with context.db.write() as session:
        for table in (FaceVector, CollectionFace):
            await session.execute(update(table).values(model="older-1"))
        await session.execute(text("UPDATE collections SET model = 'older-1'"))
    await export(context, path, with_chips=False)
    with pytest.raises(OtherModelError, match="older-1"):
        await bring(context, path, STRANGER)
    assert await desk.list_collections(context, STRANGER, limit=9) == ()
    told = await bring(context, path, STRANGER, other_model=True)
    assert told.faces == 3
    assert "older-1" in told.notes[0]
    await desk.create_collection(context, STRANGER, "newer", actor=OPERATOR)
    with pytest.raises(OtherModelError, match="3 faces of the file lack"):
        await bring(context, path, STRANGER, name="newer")


def sealed(size: int, secret: Secret = KEY) -> tuple[bytes, bytes]:
    plain = np.random.default_rng(1).bytes(size)
    file = io.BytesIO()
    writer = Writer(file, secret)
    for at in range(0, size, 50_000):
        writer.write(plain[at : at + 50_000])
    writer.finish()
    return plain, file.getvalue()


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_a_file_is_read_as_it_was_written(size: int) -> None:
    plain, raw = sealed(size)
    assert b"".join(read_chunks(io.BytesIO(raw), KEY)) == plain


def test_every_flipped_byte_and_every_truncation_is_found() -> None:
    _, raw = sealed(2 * CHUNK + 10)
    places = {*range(200), *range(CHUNK, CHUNK + 400, 13), *range(len(raw) - 40, len(raw)), len(raw) // 2}
    for place in places:
        damaged = bytearray(raw)
        damaged[place] ^= 1
        with pytest.raises((BadExportError, WrongExportKeyError)):
            list(read_chunks(io.BytesIO(bytes(damaged)), KEY))
    for end in (*range(0, 300, 7), len(raw) - 1, len(raw) - 26, len(raw) - 27, len(raw) - 26 - CHUNK - 16):
        with pytest.raises((BadExportError, WrongExportKeyError)):
            list(read_chunks(io.BytesIO(raw[:end]), KEY))
    with pytest.raises(BadExportError):
        list(read_chunks(io.BytesIO(raw + b"\0"), KEY))


def test_chunks_that_changed_places_are_found() -> None:
    _, raw = sealed(3 * CHUNK)
    head = len(raw) - 3 * (CHUNK + 16)
    first, second = raw[head : head + CHUNK + 16], raw[head + CHUNK + 16 : head + 2 * (CHUNK + 16)]
    moved = raw[:head] + second + first + raw[head + 2 * (CHUNK + 16) :]
    with pytest.raises(BadExportError, match="damaged"):
        list(read_chunks(io.BytesIO(moved), KEY))


def test_another_passphrase_is_told_apart_from_damage() -> None:
    plain, raw = sealed(10, Secret(passphrase="correct horse battery"))
    assert b"".join(read_chunks(io.BytesIO(raw), Secret(passphrase="correct horse battery"))) == plain
    for wrong in (Secret(passphrase="correct horse batterz"), KEY):
        with pytest.raises(WrongExportKeyError):
            list(read_chunks(io.BytesIO(raw), wrong))
    with pytest.raises(WrongExportKeyError, match="12 characters"):
        Writer(io.BytesIO(), Secret(passphrase="short"))
    with pytest.raises(WrongExportKeyError, match="32 bytes"):
        Writer(io.BytesIO(), Secret(key_file=b"short"))


async def test_a_damaged_file_changes_nothing(filled: Place, tmp_path: Path) -> None:
    path = tmp_path / "guests.faces"
    raw = await export(filled.context, path)
    for damaged in (raw[:-1], raw[:-20] + bytes([raw[-20] ^ 1]) + raw[-19:]):
        path.write_bytes(damaged)
        with pytest.raises(BadExportError):
            await bring(filled.context, path, STRANGER)
    assert await desk.list_collections(filled.context, STRANGER, limit=9) == ()


async def test_what_holds_a_wrong_vector_or_count_is_refused(filled: Place, tmp_path: Path) -> None:
    path = tmp_path / "guests.faces"
    await export(filled.context, path)
    with path.open("rb") as file:
        lines = list(read_lines(file, KEY))
    assert survey(lines).counts == {"user": 1, "face": 3, "consent": 2, "end": 1}
    faces = [number for number, line in enumerate(lines) if line.startswith(b'{"type":"face"')]
    first = faces[0]
    vector = lines[first].split(b'"vectors":{')[1].split(b'"')[3]
    wrong = {
        "no end": lines[:-1],
        "no beginning": lines[1:],
        "a face less": [*lines[:first], *lines[first + 1 :]],
        "a face twice": [*lines[: first + 1], *lines[first:]],
        "no JSON": [*lines[:-1], b"{"],
        "another kind of line": [*lines[:-1], b'{"type":"dog"}', lines[-1]],
        "a vector of zeros": [*lines[:first], lines[first].replace(vector, b"AAAA"), *lines[first + 1 :]],
        "a user who is not there": [line for line in lines if not line.startswith(b'{"type":"user"')],
        "more after the end": [*lines, write_line(EndLine(users=1, faces=3, consents=2))],
        "two collections": [lines[0], *lines],
        "a changed end": [*lines[:-1], write_line(EndLine(users=1, faces=2, consents=2)).rstrip()],
    }
    for name, changed in wrong.items():
        try:
            survey(changed)
        except BadExportError:
            continue
        raise AssertionError(name)
    assert len(list(parse(lines))) == len(lines)
