"""On which queue, storage and database a fleet runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Settings for those who serve, for workers, and for the test, which looks past any proxy."""

    serving: dict[str, Any]
    working: dict[str, Any]
    looking: dict[str, Any]


@asynccontextmanager
async def embedded(folder: Path) -> AsyncIterator[Parts]:
    """SQLite for both, and a folder; workers are told where these are and nothing else."""
    data, elsewhere = folder / "data", folder / "worker"
    data.mkdir()
    queue, objects = f"sqlite:///{data / 'queue.db'}", f"file://{data / 'objects'}"
    yield Parts(
        serving={"data_dir": data},
        working={"data_dir": elsewhere, "queue_url": queue, "storage_url": objects},
        looking={"data_dir": data},
    )
    assert not list(elsewhere.glob("*.db")), "a worker made a database of its own"
