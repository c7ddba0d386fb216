from __future__ import annotations

import asyncio
import json
import random
from pathlib import Path

import pytest

from fotofila.core.aws.pace import EASED, HEADROOM, LEAST, OwnSlots, Pace, Slots
from fotofila.core.aws.slot_file import FARTHEST_SECONDS, FileSlots
from fotofila.core.errors import UnavailableError


class Hand:
    """A clock that sleeping moves."""

    def __init__(self) -> None:
        self.at = 1000.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds


@pytest.fixture
def hand() -> Hand:
    return Hand()


def pace_of(hand: Hand, slots: Slots | None = None, *, per_second: float = 5.0) -> Pace:
    slots = slots or OwnSlots(hand.now)
    return Pace(slots, per_second=per_second, account="a", sleep=hand.sleep, chance=random.Random(1))


@pytest.fixture(params=["own", "file"])
def slots(request: pytest.FixtureRequest, hand: Hand, tmp_path: Path) -> Slots:
    return OwnSlots(hand.now) if request.param == "own" else FileSlots(tmp_path / "pace.json", hand.now)


async def test_first_request_does_not_wait_and_those_behind_it_lie_evenly(slots: Slots) -> None:
    waits = [await slots.take("a", gap_seconds=0.2) for _ in range(4)]

    assert waits == pytest.approx([0, 0.2, 0.4, 0.6])
    assert await slots.take("b", gap_seconds=0.2) == 0


async def test_slots_that_nobody_took_are_not_saved_up(slots: Slots, hand: Hand) -> None:
    await slots.take("a", gap_seconds=0.2)
    hand.at += 60

    assert [await slots.take("a", gap_seconds=0.2) for _ in range(2)] == pytest.approx([0, 0.2])


async def test_push_leaves_time_free_and_never_brings_a_slot_nearer(slots: Slots) -> None:
    await slots.push("a", seconds=3)
    await slots.push("a", seconds=1)

    assert await slots.take("a", gap_seconds=0.5) == pytest.approx(3)
    assert await slots.take("a", gap_seconds=0.5) == pytest.approx(3.5)


async def test_requests_stay_just_under_the_rate_of_the_account(hand: Hand) -> None:
    pace = pace_of(hand, per_second=10)
    began = hand.at

    for _ in range(101):
        await pace.turn("detect_faces")

    assert 100 / (hand.at - began) == pytest.approx(10 * HEADROOM)


async def test_throttle_makes_slower_and_answers_make_faster_again(hand: Hand) -> None:
    pace = pace_of(hand)
    full = pace.per_second("search_faces")

    await pace.throttled("search_faces", times=1)
    assert pace.per_second("search_faces") == pytest.approx(full * EASED)
    assert pace.per_second("detect_faces") == full
    for _ in range(100):
        pace.answered("search_faces")
    assert pace.per_second("search_faces") == pytest.approx(full)
    for times in range(50):
        await pace.throttled("search_faces", times=times)
    assert pace.per_second("search_faces") == pytest.approx(full * LEAST)


async def test_two_processes_share_a_rate_and_a_rest(tmp_path: Path, hand: Hand) -> None:
    one, other = (pace_of(hand, FileSlots(tmp_path / "pace.json", hand.now)) for _ in range(2))

    await one.turn("detect_faces")
    await other.turn("detect_faces")
    assert hand.slept == pytest.approx([1 / (5 * HEADROOM)])
    await one.throttled("detect_faces", times=4)
    await other.turn("detect_faces")
    assert hand.slept[-1] >= 2


async def test_no_slot_is_given_twice(tmp_path: Path) -> None:
    path = tmp_path / "pace.json"
    # The lock is one of the open file, so threads shut each other out as processes do.
    several = [FileSlots(path, lambda: 0.0) for _ in range(4)]

    waits = await asyncio.gather(*(slots.take("a", gap_seconds=1.0) for slots in several * 25))

    assert sorted(waits) == list(range(100))


async def test_file_of_before_the_machine_started_again_holds_nobody_up(tmp_path: Path, hand: Hand) -> None:
    path = tmp_path / "pace.json"
    path.write_text(json.dumps({"a": hand.at + FARTHEST_SECONDS + 1}))
    assert await FileSlots(path, hand.now).take("a", gap_seconds=1) == 0
    path.write_text("{not json")
    assert await FileSlots(path, hand.now).take("a", gap_seconds=1) == 0


class Away:
    """A shared store that does not answer."""

    async def take(self, bucket: str, *, gap_seconds: float) -> float:
        raise UnavailableError(f"away: {bucket} {gap_seconds}")

    async def push(self, bucket: str, *, seconds: float) -> None:
        raise UnavailableError(f"away: {bucket} {seconds}")

    async def close(self) -> None:
        pass


async def test_while_the_shared_store_is_away_each_keeps_to_the_rate_by_itself(hand: Hand) -> None:
    pace = pace_of(hand, Away())

    await pace.throttled("detect_faces", times=1)
    await pace.turn("detect_faces")
    await pace.turn("detect_faces")

    assert len(hand.slept) == 2


async def test_pace_without_a_folder_to_write_to_is_kept_alone(hand: Hand, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    slots = FileSlots(tmp_path / "file" / "pace.json", hand.now)

    with pytest.raises(UnavailableError, match="FOTOFILA_DATA_DIR"):
        await slots.take("a", gap_seconds=0.2)
    pace = pace_of(hand, slots, per_second=0.001)
    for _ in range(2):
        await pace.turn("detect_faces")
    await pace.throttled("detect_faces", times=1)
    assert len(hand.slept) == 1, "the second waited for its turn"
