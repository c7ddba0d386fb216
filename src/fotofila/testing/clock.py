"""Clocks that a test moves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path


class FakeClock:
    """Stands still until it is moved."""

    def __init__(self, at: datetime | None = None) -> None:
        self._at = at or datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        """Return the time that the test set."""
        return self._at

    def advance(self, seconds: float) -> None:
        """Move on, or back."""
        self._at += timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileClock:
    """Seconds kept in a file, so that processes agree on the time and a test can move it for all of them at once."""

    path: Path

    def now(self) -> float:
        """Return the seconds in the file; a file that is not there yet says 1 000 000."""
        return float(self.path.read_text(encoding="ascii")) if self.path.exists() else 1_000_000.0

    def advance(self, seconds: float) -> None:
        """Move on; the file is replaced, so that no reader sees half of a number."""
        fresh = self.path.with_suffix(".next")
        fresh.write_text(repr(self.now() + seconds), encoding="ascii")
        fresh.replace(self.path)
