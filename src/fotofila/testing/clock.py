"""A clock that a test moves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


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
