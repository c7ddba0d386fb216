"""Units of work by the driver alone, and short queries without a session."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from fotofila.core.db import Base, Database
from fotofila.core.db.bare import keep
from fotofila.core.db.plain import Plain
from fotofila.core.db.quick import quick_rows


class Isolated(Base):
    __abstract__ = True
    metadata = MetaData()  # or every other test would find this table in the schema


class Word(Isolated):
    __tablename__ = "test_words"

    id: Mapped[int] = mapped_column(primary_key=True)
    said: Mapped[str]


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'test.db'}")
    async with database.engine.begin() as connection:
        await connection.run_sync(Isolated.metadata.create_all)
    async with database.write() as session:
        session.add(Word(id=1, said="before"))
    yield database
    await database.close()


async def test_what_a_unit_reads_is_what_others_wrote_since_the_last_one(database: Database) -> None:
    async def read(_plain: Plain, session: AsyncSession) -> Word:
        word = await session.get_one(Word, 1)
        await keep(session)
        return word

    first = await database.transact_plainly(read)
    async with database.write() as session:
        (await session.get_one(Word, 1)).said = "after"
    assert (await database.transact_plainly(read)).said == "after"
    assert first.said == "before"


async def test_quick_query_waits_where_a_session_would(database: Database, tmp_path: Path) -> None:
    await database.close()  # or nobody could have the file for himself
    with closing(sqlite3.connect(tmp_path / "test.db", isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN IMMEDIATE")
        late = Database(database.url)
        async with late.read() as session:
            asking = asyncio.create_task(quick_rows(session, "SELECT said FROM test_words WHERE id = :id", id=1))
            await asyncio.sleep(0)
            other.close()
            assert await asking == [("before",)]
        await late.close()
