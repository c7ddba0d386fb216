from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import MetaData
from sqlalchemy.orm import Mapped, mapped_column

from fotofila.core.db import Base, Database
from fotofila.core.db.gaps import dump_json, without_gaps


class Isolated(Base):
    __abstract__ = True
    metadata = MetaData()  # or every other test would find this table in the schema


class Kept(Isolated):
    __tablename__ = "test_kept"

    id: Mapped[int] = mapped_column(primary_key=True)
    data: Mapped[dict[str, Any]]
    text: Mapped[str]


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    async with database.engine.begin() as connection:
        await connection.run_sync(Isolated.metadata.create_all)
    yield database
    await database.close()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"a": "plain ação 😀"}, {"a": "plain ação 😀"}),
        ({"a": "nul\0"}, {"a": "nul\ufffd"}),
        ({"a": ["half\ud800", {"b\0": 1}]}, {"a": ["half\ufffd", {"b\ufffd": 1}]}),
        ({"a": "a backslash and u0000: \\u0000"}, {"a": "a backslash and u0000: \\u0000"}),
        ({"a": None, "b": 1.5, "c": True, "d": 2**53}, {"a": None, "b": 1.5, "c": True, "d": 2**53}),
    ],
)
async def test_whatever_a_file_holds_can_be_kept(
    database: Database, given: dict[str, Any], kept: dict[str, Any]
) -> None:
    async with database.write() as session:
        session.add(Kept(id=1, data=given, text=without_gaps(str(given))))
    async with database.read() as session:
        row = await session.get_one(Kept, 1)
    assert row.data == kept
    assert "\0" not in row.text


def test_plain_json_is_left_as_it_is() -> None:
    assert dump_json({"a": [1, "ç"]}) == '{"a":[1,"ç"]}'
