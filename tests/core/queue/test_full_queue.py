from __future__ import annotations

from pathlib import Path

import pytest

from fotofila.core.errors import StorageFullError
from fotofila.core.queue import LaneNames, Outgoing
from fotofila.core.queue.sqlite import SqliteQueue


async def test_disk_that_is_full_in_the_midst_of_a_transaction_is_told_as_such(tmp_path: Path) -> None:
    """SQLite rolls back by itself then, and there is nothing left to roll back."""
    queue = SqliteQueue(tmp_path / "queue.db", max_deliveries=3, names=LaneNames())
    await queue._run(lambda connection: connection.execute("PRAGMA max_page_count=1"))  # no more than now
    with pytest.raises(StorageFullError, match="free some space"):
        await queue.enqueue("process", [Outgoing(payload=bytes(100_000))])
    await queue._run(lambda connection: connection.execute("PRAGMA max_page_count=1000000"))
    await queue.enqueue("process", [Outgoing(payload=bytes(100_000))])
    assert (await queue.depth("process")).ready == 1
    await queue.close()
