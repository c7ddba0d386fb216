from __future__ import annotations

import pytest
from sqlalchemy import text

from fotofila.core.errors import StorageFullError
from tests.feedback.conftest import Desk

LEASE_AND_MORE = 31


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_full_database_costs_no_result(desk: Desk) -> None:
    """However long it takes until somebody frees some space."""
    added = await desk.add()
    _, reporter = await desk.begun()
    await reporter.finished({}, (), 0.1, {f"part{number}": 0.1 for number in range(3000)})
    await desk.context.db.transact(lambda session: session.execute(text("PRAGMA max_page_count=1")))  # no more than now
    for _ in range(desk.context.settings.max_deliveries * 3):
        with pytest.raises(StorageFullError, match="free some space"):
            await desk.consume()
        desk.clock.advance(LEASE_AND_MORE)
    await desk.context.db.transact(lambda session: session.execute(text("PRAGMA max_page_count=1000000")))
    await desk.consume()
    assert (await desk.job(added)).state == "done"
    assert await desk.receive("failures") == []
