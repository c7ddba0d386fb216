"""What was found in a photo, as rows: written by `apply`, read by the detail and the report."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.core.db import Database
from fotofila.core.db.later import write_rows_bare, writes_for
from fotofila.core.db.plain import Plain
from fotofila.core.ids import new_id
from fotofila.core.jobs.models import Job
from fotofila.faces.apply import apply
from fotofila.faces.models import FaceRow
from fotofila.faces.service import photo_detail, report
from fotofila.library.models import Photo
from tests.databases import make_tables

OWNER = "0" * 31 + "1"
AT = datetime(2026, 3, 4, 23, 30, tzinfo=UTC)
FACTS = {
    "width": 400,
    "height": 300,
    "orientation": 6,
    "exif": {"Note": "nul\0 and half\ud800"},
    "camera": {"make": "ação"},
}


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    await make_tables(database)
    yield database
    await database.close()


def face(left: float, *, age: tuple[int, int] | None, gender: str | None, embedding: bytes = b"") -> dict[str, Any]:
    return {
        "bounding_box": {"left": left, "top": -0.01, "width": 0.1, "height": 0.2},
        "confidence": 0.98,
        "landmarks": [{"type": "nose", "x": left, "y": 0.5}],
        "pose": {"roll": 1.5, "yaw": -2.0, "pitch": 0.0},
        "quality": {"brightness": 50.0, "sharpness": 99.5},
        "age_range": None if age is None else {"low": age[0], "high": age[1]},
        "apparent_gender": None if gender is None else {"value": gender, "confidence": 0.9},
        "embedding": base64.b64encode(embedding).decode() if embedding else None,
    }


async def analysed(database: Database, faces: list[dict[str, Any]]) -> str:
    """Keep a photo with its faces; returns its id."""
    photo_id, job_id = new_id(), new_id()
    job = Job(id=job_id, owner=OWNER, kind="faces.analyze", kind_version=1, lane="process", state="running")
    job.photo_id, job.max_attempts, job.created_at, job.execution_id = photo_id, 4, AT, new_id()
    job.args = {"embed": True, "embedding_model": "model-1"}
    photo = Photo(id=photo_id, owner=OWNER, filename="a.jpg", media_type="image/jpeg", size_bytes=2**33)
    photo.checksum_sha256, photo.original_key, photo.job_id, photo.created_at = new_id() * 2, "originals/a", job_id, AT
    async with database.write() as session:
        session.add_all([job, photo])
        await session.flush()
        told = await apply(session, job, {"photo": FACTS, "faces": faces}, [], AT)
    assert told == {"face_count": len(faces)}
    return photo_id


async def test_faces_come_back_as_they_were_found(database: Database) -> None:
    vector = bytes(range(256))
    photo_id = await analysed(
        database, [face(0.6, age=(20, 30), gender="female", embedding=vector), face(0.1, age=None, gender=None)]
    )
    async with database.read() as session:
        (first, second) = (await photo_detail(session, photo_id))["faces"]
        photo = await session.get_one(Photo, photo_id)
        kept = (await session.scalars(select(FaceRow.embedding).where(FaceRow.embedding.is_not(None)))).all()
    assert [first["bounding_box"]["left"], second["bounding_box"]["left"]] == [0.1, 0.6]
    assert first["age_range"] is None
    assert second["apparent_gender"] == {"value": "female", "confidence": 0.9}
    assert second["landmarks"] == [{"type": "nose", "x": 0.6, "y": 0.5}]
    assert list(kept) == [vector]
    assert (photo.size_bytes, photo.camera_make) == (2**33, "ação")
    assert photo.exif == {"Note": "nul\ufffd and half\ufffd"}


async def plainly(database: Database, job: Job, faces: list[dict[str, Any]]) -> None:
    """Write down what was found as feedback does: by the driver."""

    async def work(plain: Plain, session: AsyncSession) -> None:
        together = writes_for(plain)
        await apply(session, job, {"photo": FACTS, "faces": faces}, [], AT)
        await write_rows_bare(plain, session, together)
        await together.run(plain)

    await database.transact_plainly(work)


async def rows(database: Database, photo_id: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return all that is kept of a photo and its faces."""
    async with database.read() as session:
        found = (await session.execute(select(Photo.__table__).where(Photo.id == photo_id))).mappings().one()
        query = select(FaceRow.__table__).where(FaceRow.photo_id == photo_id).order_by(FaceRow.left)
        faces = (await session.execute(query)).mappings().all()
    own = {"id", "photo_id"}
    return dict(found), [{name: each[name] for name in each if name not in own} for each in faces]


async def test_driver_writes_what_a_session_writes_in_place_of_what_was_there(database: Database) -> None:
    faces = [face(0.6, age=(20, 30), gender="female", embedding=b"vector"), face(0.1, age=None, gender=None)]
    photo_id = await analysed(database, faces)
    before = await rows(database, photo_id)
    job = Job(id=new_id(), owner=OWNER, photo_id=photo_id, execution_id=new_id())
    job.args = {"embed": True, "embedding_model": "model-1"}
    await plainly(database, job, [])
    photo, none = await rows(database, photo_id)
    assert (photo["face_count"], none) == (0, [])
    await plainly(database, job, faces)
    assert await rows(database, photo_id) == before


async def test_report_counts_by_decade_and_gender(database: Database) -> None:
    await analysed(database, [face(0.1, age=(20, 29), gender="female"), face(0.2, age=(18, 21), gender="male")])
    await analysed(database, [face(0.3, age=(25, 32), gender="female"), face(0.4, age=None, gender=None)])
    async with database.read() as session:
        told = await report(session, OWNER, AT - timedelta(hours=1), AT + timedelta(hours=1))
        before = await report(session, OWNER, AT - timedelta(hours=2), AT)
    assert {group["low"]: group["count"] for group in told["ages"] if group["count"]} == {10: 1, 20: 2}
    assert told["genders"] == [{"value": "female", "count": 2}, {"value": "male", "count": 1}]
    assert not any(group["count"] for group in before["ages"])
