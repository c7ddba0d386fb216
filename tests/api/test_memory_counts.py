"""Requests counted in one process, by a clock that the test sets; what all stores do is in `test_rate_stores`."""

from __future__ import annotations

from limits import parse

from fotofila.api import memory_counts
from fotofila.api.memory_counts import MemoryStore

HOUR = 3600
HOURLY = parse("4/hour")


class Clock:
    """Seconds that the test sets."""

    def __init__(self) -> None:
        self.now = 1000.0 * HOUR

    def __call__(self) -> float:
        return self.now


def test_requests_of_the_window_before_fade() -> None:
    clock = Clock()
    store = MemoryStore(clock)
    assert [store.take_here(HOURLY, "a").allowed for _ in range(5)] == [True] * 4 + [False]
    clock.now += HOUR
    assert not store.take_here(HOURLY, "a").allowed
    clock.now += HOUR / 2
    assert [store.take_here(HOURLY, "a").remaining for _ in range(3)] == [1, 0, 0]
    clock.now += HOUR / 2
    assert store.take_here(HOURLY, "a").remaining == 1  # the two of that window
    clock.now += 2 * HOUR
    assert store.take_here(HOURLY, "a").remaining == 3


def test_room_comes_with_the_end_of_the_window_or_with_what_fades_first() -> None:
    clock = Clock()
    store = MemoryStore(clock)
    clock.now += HOUR / 4
    assert [store.take_here(HOURLY, "a").reset_seconds for _ in range(4)] == [HOUR * 3 // 4] * 4
    clock.now += HOUR - HOUR / 8
    assert store.take_here(HOURLY, "a").reset_seconds == HOUR // 8
    assert store.take_here(HOURLY, "new", cost=5).reset_seconds == 1


def test_limits_of_one_bucket_are_counted_apart() -> None:
    store = MemoryStore(Clock())
    store.take_here(HOURLY, "a", cost=4)
    assert store.take_here(parse("4/minute"), "a").remaining == 3


def test_buckets_that_are_over_are_forgotten() -> None:
    clock = Clock()
    store = MemoryStore(clock)
    for number in range(3 * memory_counts.KEPT_UNSWEPT):
        clock.now += 4 * HOUR / memory_counts.KEPT_UNSWEPT
        store.take_here(HOURLY, f"{number}")
    assert len(store._windows) <= memory_counts.KEPT_UNSWEPT
    assert not store.take_here(HOURLY, f"{number}", cost=4).allowed
