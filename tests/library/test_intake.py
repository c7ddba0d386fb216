"""Photos that come at once are written at once, and answered as if each had come alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import DeclarativeBase

from fotofila.access.workspaces import DEFAULT_WORKSPACE
from fotofila.core.capability import Context, Principal
from fotofila.core.db import Database, DatabaseUnavailableError, PostgresOptions
from fotofila.core.errors import FotofilaError, NotFoundError
from fotofila.core.events.models import Event
from fotofila.core.ids import new_id
from fotofila.core.jobs.models import Batch, Job, OutboxMessage, TimelineEntry
from fotofila.library.add import add_photo
from fotofila.library.ingest import Received
from fotofila.library.intake import Written, take_in
from fotofila.library.intake_sql import INTAKE
from fotofila.library.models import Photo
from fotofila.library.schemas import Upload
from fotofila.library.views import upload_out
from fotofila.testing.clock import FakeClock
from tests.library.conftest import House

TABLES: tuple[type[DeclarativeBase], ...] = (Photo, Job, TimelineEntry, OutboxMessage, Event, Batch)
PRINCIPAL = Principal(owner=DEFAULT_WORKSPACE, scopes=frozenset({"photos:write"}), key_id="k")
POSTGRES = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)


def received(content: str = "") -> Received:
    photo_id = new_id()
    return Received(
        photo_id=photo_id,
        key=f"originals/{DEFAULT_WORKSPACE}/{photo_id}",
        filename='ção "1".jpg',
        media_type="image/jpeg",
        size_bytes=3_000_000_000,
        checksum_sha256=(content or photo_id).rjust(64, "0"),
    )


@pytest.fixture
def context(house: House) -> Context:
    return house.context


@pytest.fixture
async def batch(context: Context) -> str:
    async with context.db.write() as session:
        session.add(
            made := Batch(id=new_id(), owner=DEFAULT_WORKSPACE, created_at=context.clock.now(), finished_at=None)
        )
    return made.id


async def written(context: Context, owner: str = DEFAULT_WORKSPACE) -> dict[str, list[dict[str, Any]]]:
    """Return every row, as the database has it but for JSON, which is read."""
    rows = {}
    async with context.db.read() as session:
        for model in TABLES:
            found = (await session.execute(select(model.__table__))).mappings().all()
            rows[model.__tablename__] = [dict(row) for row in found if row.get("owner", owner) == owner]
        for table, column in (("job_timeline", "detail"), ("jobs", "error"), ("photos", "exif")):
            raw = await session.execute(text(f"SELECT CAST({column} AS text) FROM {table}"))
            rows[f"{table}.{column}"] = [{"text": row[0]} for row in raw]
    return rows


def alike(rows: dict[str, list[dict[str, Any]]], job_id: str) -> str:
    """Show rows without their numbers and the id of the job, which differ from one time to the next."""
    shown = {
        table: [
            {name: value for name, value in row.items() if not isinstance(value, int) or name != "id"} for row in found
        ]
        for table, found in rows.items()
    }
    return str(shown).replace(job_id, "<job>")


def shaped(outcome: Upload | Written) -> Upload:
    return outcome.upload() if isinstance(outcome, Written) else outcome


async def cleared(context: Context) -> None:
    async with context.db.write() as session:
        for model in (*TABLES[2:5], *TABLES[:2]):
            await session.execute(model.__table__.delete())  # type: ignore[attr-defined]
        await session.execute(Batch.__table__.update().values(total=0))  # type: ignore[attr-defined]


@pytest.mark.parametrize("in_batch", [False, True])
async def test_both_ways_write_and_answer_the_same(context: Context, batch: str, *, in_batch: bool) -> None:
    context, one, batch_id = replace(context, clock=FakeClock()), received(), batch if in_batch else None
    answer = await take_in(context, PRINCIPAL, one, batch_id=batch_id)
    together = await written(context)
    await cleared(context)
    async with context.db.write() as session:
        added = await add_photo(session, context, PRINCIPAL, one, batch_id=batch_id)
    alone = await written(context)
    assert isinstance(answer, Written)
    job_id = answer.upload().job.id
    assert all(together[model.__tablename__] for model in TABLES)
    assert alike(together, job_id) == alike(alone, added.job.id)
    expected = upload_out(added.photo, added.job, duplicate=False).model_dump_json().replace(added.job.id, job_id)
    assert answer.json().decode() == answer.upload().model_dump_json() == expected


async def test_at_once_means_in_one_write_with_answers_of_their_own(context: Context, batch: str) -> None:
    photos = [received(str(number // 2)) for number in range(20)]  # each bytes twice
    outcomes = await asyncio.gather(
        *(take_in(context, PRINCIPAL, photo, batch_id=batch) for photo in photos),
        take_in(context, PRINCIPAL, received(), batch_id="nosuch"),
        return_exceptions=True,
    )
    uploads = [shaped(outcome) for outcome in outcomes if isinstance(outcome, Upload | Written)]
    assert isinstance(outcomes[-1], NotFoundError)
    assert sorted(upload.duplicate for upload in uploads) == [False] * 10 + [True] * 10
    assert len({upload.photo.id for upload in uploads}) == 10
    rows = await written(context)
    assert [len(rows[name]) for name in ("photos", "jobs", "job_timeline", "outbox", "events")] == [10] * 5
    assert rows["batches"][0]["total"] == 10
    assert {row["job_id"] for row in rows["photos"]} == {row["id"] for row in rows["jobs"]}


async def test_batch_of_another_workspace_is_none(context: Context) -> None:
    async with context.db.write() as session:
        session.add(other := Batch(id=new_id(), owner="other", created_at=context.clock.now()))
    with pytest.raises(NotFoundError):
        await take_in(context, PRINCIPAL, received(), batch_id=other.id)
    assert (await written(context))["photos"] == []


async def test_finished_batch_that_gets_more_is_open_again(context: Context, batch: str) -> None:
    async with context.db.write() as session:
        (await session.get_one(Batch, batch)).finished_at = context.clock.now()
    await take_in(context, PRINCIPAL, received(), batch_id=batch)
    (row,) = (await written(context))["batches"]
    assert (row["total"], row["finished_at"]) == (1, None)


async def test_last_place_of_a_quota_is_taken_once(context: Context) -> None:
    limited = replace(PRINCIPAL, quota_photos=3)
    outcomes = await asyncio.gather(
        *(take_in(context, limited, received(), batch_id=None) for _ in range(8)), return_exceptions=True
    )
    assert [getattr(outcome, "code", "taken") for outcome in outcomes].count("taken") == 3
    assert all(isinstance(outcome, Upload | Written | FotofilaError) for outcome in outcomes)


async def test_name_that_no_database_takes_is_refused_and_its_neighbours_are_not(context: Context) -> None:
    odd = replace(received(), filename="\ud800.jpg")
    outcomes = await asyncio.gather(
        *(take_in(context, PRINCIPAL, one, batch_id=None) for one in (received(), odd, received())),
        return_exceptions=True,
    )
    assert [isinstance(outcome, Upload | Written) for outcome in outcomes] == [True, False, True]
    assert len((await written(context))["photos"]) == 2


@pytest.fixture
async def other(database_url: str, house: House) -> AsyncIterator[Database]:
    """Another process on the same database."""
    del house
    database = Database(database_url)
    yield database
    await database.close()


@POSTGRES
async def test_who_waits_for_another_holds_up_nobody(context: Context, other: Database) -> None:
    known = received()
    async with other.write() as session:
        added = await add_photo(session, context, PRINCIPAL, known, batch_id=None)
        await session.flush()
        same = asyncio.create_task(take_in(context, PRINCIPAL, replace(received(), **bytes_of(known)), batch_id=None))
        neighbours = [take_in(context, PRINCIPAL, received(), batch_id=None) for _ in range(3)]
        assert not any(upload.duplicate for upload in await asyncio.gather(*neighbours))
        assert not same.done()
    assert shaped(await same).photo.id == added.photo.id


def bytes_of(photo: Received) -> dict[str, Any]:
    return {"checksum_sha256": photo.checksum_sha256}


@POSTGRES
async def test_connection_that_is_lost_is_an_outage_for_all_at_once_and_for_nobody_after(
    context: Context, other: Database
) -> None:
    await take_in(context, PRINCIPAL, received(), batch_id=None)
    async with other.write() as session:
        await session.execute(text("LOCK TABLE photos"))
        taking = [asyncio.create_task(take_in(context, PRINCIPAL, received(), batch_id=None)) for _ in range(3)]
        async with other.read() as looking:  # one at a time where they waited for so long that they went on alone
            while not all(task.done() for task in taking):
                await looking.execute(text(f"SELECT pg_terminate_backend(pid) FROM ({BLOCKED}) AS blocked"))
        outcomes = await asyncio.gather(*taking, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [DatabaseUnavailableError] * 3
    assert not (await take_in(context, PRINCIPAL, received(), batch_id=None)).duplicate
    assert len((await written(context))["photos"]) == 2


BLOCKED = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


@POSTGRES
async def test_through_a_pooler_each_goes_alone(database_url: str, house: House) -> None:
    pooled = Database(database_url, PostgresOptions(pooler=True))
    assert not await pooled.gather(INTAKE, {"id": "a"})
    context = replace(house.context, db=pooled)
    assert not (await take_in(context, PRINCIPAL, received(), batch_id=None)).duplicate
    await pooled.close()
