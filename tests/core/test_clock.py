from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from fotofila.core.clock import SystemClock
from fotofila.testing.clock import FakeClock, FileClock


def test_system_clock_is_aware_and_in_utc() -> None:
    now = SystemClock().now()
    assert now.tzinfo is UTC
    assert abs(now - datetime.now(UTC)) < timedelta(minutes=1)


def test_fake_clock_moves_only_when_it_is_moved() -> None:
    clock = FakeClock()
    before = clock.now()
    assert clock.now() == before
    clock.advance(1.5)
    assert clock.now() == before + timedelta(seconds=1.5)


def test_file_clock_is_the_same_for_all(tmp_path: Path) -> None:
    one, other = FileClock(path=tmp_path / "clock"), FileClock(path=tmp_path / "clock")
    before = one.now()
    other.advance(10)
    assert one.now() == other.now() == before + 10
