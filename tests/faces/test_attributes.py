from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fotofila.core.inference.session import Session
from fotofila.core.inference.store import load
from fotofila.faces.attributes import SIDE, age_range, estimate_ages, estimate_genders, sayable_gender
from fotofila.faces.face import AgeRange, ApparentGender
from fotofila.faces.specs import AGE, GENDER


@pytest.mark.parametrize(
    ("years", "low", "high"), [(0.4, 0, 2), (4.0, 2, 6), (20.0, 14, 26), (40.0, 28, 52), (80.0, 64, 96)]
)
def test_age_range_widens_with_age_and_never_goes_below_birth(years: float, low: int, high: int) -> None:
    assert age_range(years) == AgeRange(low=low, high=high)


def test_no_gender_is_said_below_sixteen() -> None:
    gender = ApparentGender(value="female", confidence=0.99)

    assert sayable_gender(gender, 15.9) is None
    assert sayable_gender(gender, 16.0) is gender


def test_faces_are_described_alike_one_by_one_and_in_batches(models_dir: Path) -> None:
    chips = np.random.default_rng(2).integers(0, 256, (20, SIDE, SIDE, 3), np.uint8)
    ages, genders = Session(load(AGE, models_dir)), Session(load(GENDER, models_dir))

    single_ages = [estimate_ages(ages, chip[None])[0] for chip in chips]
    single_genders = [estimate_genders(genders, chip[None])[0] for chip in chips]

    assert estimate_ages(ages, chips) == pytest.approx(single_ages, abs=1e-3)
    assert [g.value for g in estimate_genders(genders, chips)] == [g.value for g in single_genders]


def test_mirrored_face_has_the_same_age(models_dir: Path) -> None:
    chips = np.random.default_rng(2).integers(0, 256, (2, SIDE, SIDE, 3), np.uint8)
    session = Session(load(AGE, models_dir))

    assert estimate_ages(session, chips[:, :, ::-1]) == pytest.approx(estimate_ages(session, chips), abs=1e-3)
