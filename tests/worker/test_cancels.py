from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fotofila.core.errors import UnavailableError
from fotofila.core.ids import new_id
from fotofila.core.jobs.keys import cancel_marker
from fotofila.core.storage import ObjectInfo
from fotofila.core.storage.local import LocalStorage
from fotofila.worker.cancels import LOOK_SECONDS, LOOK_SHARE, Cancels
from fotofila.worker.errors import StorageAwayError


class Counting(LocalStorage):
    """A storage that counts how often it is listed, and may be slow or away."""

    listed = 0
    away = False
    now = 0.0
    takes_seconds = 0.0

    async def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        self.listed += 1
        self.now += self.takes_seconds
        if self.away:
            raise UnavailableError("The bucket does not answer.")
        async for info in super().list(prefix):
            yield info

    def clock(self) -> float:
        return self.now


@pytest.fixture
def storage(tmp_path: Path) -> Counting:
    return Counting(tmp_path / "objects")


async def test_many_jobs_are_answered_by_one_look(storage: Counting) -> None:
    job_id = new_id()
    await storage.put(cancel_marker(job_id, 2), b"")
    cancels = Cancels(storage, clock=storage.clock)
    assert [await cancels.have(job_id, number) for number in (1, 2, 3)] == [False, True, False]
    assert storage.listed == 1


async def test_marker_is_seen_a_second_later_at_most(storage: Counting) -> None:
    job_id = new_id()
    cancels = Cancels(storage, clock=storage.clock)
    assert not await cancels.have(job_id, 1)
    await storage.put(cancel_marker(job_id, 1), b"")
    storage.now += LOOK_SECONDS
    assert await cancels.have(job_id, 1)


async def test_look_that_takes_long_is_good_for_longer(storage: Counting) -> None:
    storage.takes_seconds = 1.0
    cancels = Cancels(storage, clock=storage.clock)
    await cancels.have(new_id(), 1)
    storage.now += LOOK_SHARE - 2
    await cancels.have(new_id(), 1)
    assert storage.listed == 1
    storage.now += 2
    await cancels.have(new_id(), 1)
    assert storage.listed == 2


async def test_storage_that_is_away_is_told_each_time(storage: Counting) -> None:
    storage.away = True
    cancels = Cancels(storage, clock=storage.clock)
    for _ in range(2):
        with pytest.raises(StorageAwayError):
            await cancels.have(new_id(), 1)
    storage.away = False
    assert not await cancels.have(new_id(), 1)
