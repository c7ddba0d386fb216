"""Whom the faces of a photo are like: what a worker was told becomes rows, which go with the collection's faces."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.access.audit_models import AuditInbox
from fotofila.access.models import Workspace
from fotofila.core.capability import Principal, Search, SearchHow
from fotofila.core.config import load_settings
from fotofila.core.db import Database
from fotofila.core.db.bulk import Together
from fotofila.core.db.later import write_rows_bare
from fotofila.core.errors import FotofilaError
from fotofila.core.ids import new_id
from fotofila.core.jobs.models import Job
from fotofila.faces.apply import apply
from fotofila.faces.collections.errors import CollectionNotFoundError, OtherEngineError, RecognitionOffError
from fotofila.faces.collections.models import CollectionFace, CollectionRow
from fotofila.faces.engine.errors import SearchApartError
from fotofila.faces.models import FaceMatchRow, FaceRow
from fotofila.faces.service import photo_detail, resolve, settle_search
from fotofila.library.models import Photo
from tests.databases import make_tables
from tests.faces.test_faces_rows import FACTS, face

OWNER, STRANGER = "0" * 31 + "1", "0" * 31 + "2"
AT = datetime(2026, 3, 4, tzinfo=UTC)
AWS = load_settings(faces_engine="rekognition")
WISH = Search(collection="guests", how="each", by=Principal(owner=OWNER, scopes=frozenset(), key_id="k" * 32))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    await make_tables(database)
    async with database.write() as session:
        for owner in (OWNER, STRANGER):
            session.add(Workspace(id=owner, name="w", detection="fast", created_at=AT))
    yield database
    await database.close()


async def add_collection(database: Database, *, owner: str = OWNER, **changes: Any) -> str:
    """Make a collection that AWS keeps."""
    row = CollectionRow(
        id=new_id(),
        owner=owner,
        name="guests",
        model="rekognition-7.0",
        tags={},
        keep_chips=False,
        switched_on=True,
        ttl_days=7,
        revision=0,
        removals_from=0,
        face_count=0,
        user_count=0,
        created_at=AT,
    )
    for name, value in changes.items():
        setattr(row, name, value)
    async with database.write() as session:
        session.add(row)
    return row.id


def match(face_id: str, similarity: float | None) -> dict[str, Any]:
    """Shape what a worker tells of a match."""
    return {
        "face_id": face_id,
        "image_id": "a" * 32,
        "external_image_id": "anna.jpg",
        "model": "rekognition-7.0",
        "similarity": similarity,
    }


@asynccontextmanager
async def results(database: Database) -> AsyncIterator[AsyncSession]:
    """Open a transaction as feedback does, which writes to PostgreSQL by its driver."""
    if database.is_sqlite:
        async with database.write() as session:
            yield session
        return
    async with database.bare_unit() as (bare, session):
        with session.no_autoflush:
            yield session
        together = Together()
        await write_rows_bare(bare, session, together)
        await together.run(bare)


async def analysed(
    database: Database, *matches: list[dict[str, Any]], photo_id: str = "", how: SearchHow = "each"
) -> str:
    """Keep a photo with a face for each list of matches; returns its id."""
    async with results(database) as session:
        settled = await resolve(session, OWNER, AWS) | await settle_search(session, OWNER, AWS, replace(WISH, how=how))
        job = Job(id=new_id(), owner=OWNER, kind="faces.analyze", kind_version=1, lane="process", state="running")
        job.photo_id, job.max_attempts, job.created_at, job.execution_id = photo_id or new_id(), 4, AT, new_id()
        job.args = settled
        session.add(job)
        if not photo_id:
            photo = Photo(id=job.photo_id, owner=OWNER, filename="a.jpg", media_type="image/jpeg", size_bytes=1)
            photo.checksum_sha256, photo.original_key = new_id() * 2, "originals/a"
            photo.job_id, photo.created_at = job.id, AT
            session.add(photo)
        await session.flush()
        faces = [{**face(number / 10, age=None, gender=None), "matches": told} for number, told in enumerate(matches)]
        await apply(session, job, {"photo": FACTS, "faces": faces}, [], AT)
    return str(job.photo_id)


async def shown(database: Database, photo_id: str) -> list[Any]:
    """Return what the faces of a photo tell of matches."""
    async with database.read() as session:
        return [each.get("matches") for each in (await photo_detail(session, photo_id))["faces"]]


async def test_matches_are_told_with_the_face_and_go_with_that_of_the_collection(database: Database) -> None:
    collection_id = await add_collection(database)
    known, unknown = "b" * 32, "c" * 32
    first = await analysed(database, [match(known, None)])
    photo_id = await analysed(database, [match(known, 97.5), match(unknown, 90.0)], [])

    told = {"collection": "guests", "face_id": known, "external_image_id": "anna.jpg", "user_id": None}
    assert await shown(database, first) == [[{**told, "similarity": None}]]
    assert await shown(database, photo_id) == [[{**told, "similarity": 97.5}], None]

    async with database.read() as session:
        row = await session.get_one(CollectionFace, known)
        collection = await session.get_one(CollectionRow, collection_id)
        audit = await session.execute(select(AuditInbox.action, AuditInbox.actor_id).order_by(AuditInbox.action))
        entries = [tuple(entry) for entry in audit]
    assert (row.photo_id, row.expires_at, collection.face_count) == (first, AT + timedelta(days=7), 1)
    assert entries == [(action, "k" * 32) for action in ("faces.index", "faces.search", "faces.search")]

    async with database.write() as session:
        await session.execute(delete(CollectionFace).where(CollectionFace.id == known))
    assert await shown(database, photo_id) == [None, None]


async def test_face_that_nobody_knows_any_more_hides_nobody_at_the_door(database: Database) -> None:
    """A worker died, or its photo was deleted, before the row of the face was written."""
    await add_collection(database)
    known, second, lost = "b" * 32, "c" * 32, "d" * 32
    await analysed(database, [match(known, None)], [match(second, None)])
    told = [match(lost, 99.0), match(known, 97.5), match(second, 90.0)]
    photo_id = await analysed(database, told, how="largest_or_index")
    [[shown_one]] = await shown(database, photo_id)
    assert (shown_one["face_id"], shown_one["similarity"]) == (known, 97.5)


async def test_second_analysis_replaces_matches_and_a_deleted_photo_takes_its_own(database: Database) -> None:
    await add_collection(database)
    known = "b" * 32
    photo_id = await analysed(database, [match(known, None)])
    await analysed(database, [match(known, None)], [match(known, 88.0)], photo_id=photo_id)
    assert [len(each or ()) for each in await shown(database, photo_id)] == [1, 1]
    async with database.write() as session:
        await session.execute(delete(FaceRow).where(FaceRow.photo_id == photo_id))
    async with database.read() as session:
        assert await session.scalar(select(func.count()).select_from(FaceMatchRow)) == 0
        assert await session.get(CollectionFace, known) is not None, "the collection keeps what was indexed"


async def test_what_comes_after_its_collection_was_deleted_is_not_kept(database: Database) -> None:
    await add_collection(database)
    async with database.write() as session:
        settled = await settle_search(session, OWNER, AWS, WISH)
        await session.execute(delete(CollectionRow))
    other = await add_collection(database)
    assert other != settled["collection_id"]
    photo_id = await analysed(database, [])
    async with database.write() as session:
        job = await session.get_one(Job, (await session.get_one(Photo, photo_id)).job_id)
        job.args = {**job.args, **settled}
        late = {**face(0.1, age=None, gender=None), "matches": [match("b" * 32, None)]}
        await apply(session, job, {"photo": FACTS, "faces": [late]}, [], AT)
    assert await shown(database, photo_id) == [None]
    async with database.read() as session:
        actions = [*await session.scalars(select(AuditInbox.action))]
    assert actions == ["faces.search"] * 2, "that somebody was searched for is told all the same"


async def test_job_records_the_engine_and_what_it_searches(database: Database) -> None:
    collection_id = await add_collection(database)
    async with database.read() as session:
        plain = await resolve(session, OWNER, AWS)
        local = await resolve(session, OWNER, load_settings())
        search = await settle_search(session, OWNER, AWS, WISH)
    assert (plain["engine"], plain["embed"], local["engine"]) == ("rekognition", False, "local")
    assert search == {
        "collection": "guests",
        "collection_id": collection_id,
        "aws_collection": f"{OWNER}.guests",
        "search": "each",
        "threshold": 80.0,
        "searched_by": {"kind": "key", "id": "k" * 32},
    }


@pytest.mark.parametrize(
    ("changes", "engine", "expected"),
    [
        ({"switched_on": False}, "rekognition", RecognitionOffError),
        ({"owner": STRANGER}, "rekognition", CollectionNotFoundError),
        ({"model": "sface-1"}, "rekognition", OtherEngineError),
        ({}, "local", SearchApartError),
    ],
)
async def test_search_that_cannot_be_is_refused(
    database: Database, changes: dict[str, Any], engine: str, expected: type[FotofilaError]
) -> None:
    await add_collection(database, **changes)
    settings = AWS.model_copy(update={"faces_engine": engine})
    async with database.read() as session:
        with pytest.raises(expected):
            await settle_search(session, OWNER, settings, replace(WISH, how="largest_or_index"))
