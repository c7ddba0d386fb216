from __future__ import annotations

import itertools

import numpy as np
import pytest

from fotofila.core.inference.strips import ABOVE, BELOW, LEAST_ROWS, STRIPS, UNIT, cut, strips_of


@pytest.mark.parametrize("height", [96, 160, 736, 1600])
def test_strips_cover_the_picture_and_reach_into_their_neighbours(height: int) -> None:
    strips = strips_of(height)

    assert len(strips) == STRIPS
    assert (strips[0].top, strips[-1].bottom) == (0, height)
    for upper, lower in itertools.pairwise(strips):
        assert upper.bottom - lower.top == ABOVE + BELOW
        assert (lower.top + ABOVE) % UNIT == 0


@pytest.mark.parametrize("planes", [False, True])
def test_strips_hold_the_pixels_and_black_beyond_them(planes: bool) -> None:
    pixels = np.random.default_rng(2).integers(1, 256, (140, 33, 3), np.uint8)
    in_planes = np.ascontiguousarray(pixels.transpose(2, 0, 1)).transpose(1, 2, 0)

    made = cut(in_planes if planes else pixels, multiple_of=32)

    for number, strip in enumerate(strips_of(160)):
        rows = pixels[strip.top : strip.bottom]
        assert made[f"strip_{number}"].shape == (1, 1, strip.bottom - strip.top, 3 * 64)
        found = made[f"strip_{number}"].reshape(-1, 64, 3)
        np.testing.assert_array_equal(found[: len(rows), :33], rows)
        assert not found[len(rows) :].any()
        assert not found[:, 33:].any()


def test_low_picture_gets_black_rows_enough_for_its_strips() -> None:
    made = cut(np.ones((5, 64, 3), np.uint8), multiple_of=32)

    assert sum(strip.sum() for strip in made.values()) == 3 * 5 * 64
    assert made[f"strip_{STRIPS - 1}"].shape[2] == LEAST_ROWS // STRIPS + ABOVE
