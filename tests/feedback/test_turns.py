from __future__ import annotations

import pytest
from sqlalchemy import text

from fotofila.feedback.turns import OLDEST
from tests.feedback.conftest import Desk


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_looking_for_what_is_due_reads_nothing_that_is_not(desk: Desk) -> None:
    """A hundred thousand rows that wait for another attempt would hold the event loop up."""
    async with desk.context.db.read() as session:
        plan = await session.execute(text(f"EXPLAIN QUERY PLAN {OLDEST}"), {"now": "2026-01-01", "most": 200})
    (step,) = [row.detail for row in plan]
    assert "ix_outbox_due (due_at<?)" in step
