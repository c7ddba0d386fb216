from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import LargeBinary, MetaData, String, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from fotofila.core.db import Base, Database
from fotofila.core.db.bulk import Together
from fotofila.core.errors import FotofilaError


class Isolated(Base):
    __abstract__ = True
    metadata = MetaData()  # or every other test would find these tables in the schema


class Thing(Isolated):
    __tablename__ = "test_things"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    name: Mapped[str] = mapped_column(String(8))
    left: Mapped[float | None]
    at: Mapped[datetime | None]
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    data: Mapped[dict[str, Any] | None]


THINGS: Any = Thing.__table__
INSERT_THING = insert(THINGS)
AT = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=-3)))
EMPTY = {"left": None, "at": None, "body": None, "data": None}
FULL = {"left": 0.5, "at": AT, "body": b"\0", "data": {"ends": "nul\0", "lists": [1, None, "é"]}}


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[Database]:
    database = Database(postgres_url)
    async with database.engine.begin() as connection:
        await connection.run_sync(Isolated.metadata.create_all)
    yield database
    await database.close()


async def write(database: Database, together: Together) -> None:
    async with database.bare() as bare:
        await together.run(bare)


async def things(database: Database) -> list[Thing]:
    async with database.read() as session:
        return list(await session.scalars(select(Thing).order_by(Thing.id)))


async def test_rows_read_back_as_they_were_written_and_are_numbered_in_their_order(database: Database) -> None:
    together = Together()
    together.insert(INSERT_THING, [{"name": "empty", **EMPTY}, {"name": "full", **FULL}])
    together.insert_in_turn(1, THINGS, [{"name": name} for name in "zyxa"])
    await write(database, together)
    found = await things(database)
    assert [each.name for each in found] == ["empty", "full", "z", "y", "x", "a"]
    empty, full = ({name: getattr(each, name) for name in FULL} for each in found[:2])
    assert empty == EMPTY
    assert full == {**FULL, "at": AT.astimezone(UTC), "data": {"ends": "nul\ufffd", "lists": [1, None, "é"]}}


async def test_nothing_is_written_of_what_is_not_written_together(database: Database) -> None:
    together = Together()
    together.insert(INSERT_THING, [{"name": "short"}])
    together.insert_in_turn(1, THINGS, [{"name": "longer than eight"}])
    with pytest.raises(FotofilaError):
        await write(database, together)
    assert await things(database) == []


async def test_nothing_at_all_is_no_statement(database: Database) -> None:
    await write(database, Together())
    assert await things(database) == []
