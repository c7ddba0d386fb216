from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fotofila.core.aws.pace import Slots
from fotofila.core.aws.slot_file import FileSlots
from fotofila.core.config import load_settings
from fotofila.core.db import Database
from fotofila.core.errors import UnavailableError
from fotofila.faces.engine.slots import PostgresSlots, choose_slots
from fotofila.faces.engine.worker_slots import RedisSlots


@pytest.fixture(params=["postgres", "redis"])
async def slots(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Slots]:
    """On the server's own clock."""
    if request.param == "redis":
        url = request.getfixturevalue("redis_url")
        made = choose_slots(load_settings(data_dir=tmp_path, rate_limit_url=url), Database("sqlite:///unused.db"))
        assert isinstance(made, RedisSlots)
        yield made
        await made.close()
        return
    database = Database(request.getfixturevalue("migrated_url"))
    made = choose_slots(load_settings(data_dir=tmp_path), database)
    assert isinstance(made, PostgresSlots)
    yield made
    await database.close()


async def test_slots_lie_a_gap_apart_whoever_takes_them(slots: Slots) -> None:
    waits = [await slots.take("a", gap_seconds=600) for _ in range(3)]

    assert waits[0] < 30
    assert waits[1] == pytest.approx(600, abs=30)
    assert waits[2] == pytest.approx(1200, abs=30)
    assert await slots.take("b", gap_seconds=600) < 30


async def test_push_leaves_time_free(slots: Slots) -> None:
    await slots.push("c", seconds=600)
    await slots.push("c", seconds=1)

    assert await slots.take("c", gap_seconds=1) == pytest.approx(600, abs=30)


async def test_alone_on_a_machine_they_are_shared_in_a_file(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'a.db'}")

    assert isinstance(choose_slots(load_settings(data_dir=tmp_path), database), FileSlots)
    await database.close()


async def test_redis_that_is_away_is_told(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path, rate_limit_url="redis://127.0.0.1:9/0")
    slots = choose_slots(settings, Database("sqlite:///unused.db"))

    with pytest.raises(UnavailableError):
        await slots.take("a", gap_seconds=1)
    await slots.close()
