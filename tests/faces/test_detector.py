from __future__ import annotations

import numpy as np
import pytest

from fotofila.faces.detector import decode, scales_for
from fotofila.faces.fusion import SCORE


def sides(width: int, height: int, detection: str) -> list[tuple[int, int]]:
    return [(scale.width, scale.height) for scale in scales_for(width, height, detection)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("size", "accurate", "fast"),
    [
        ((1024, 768), [(1600, 1216), (1024, 768), (384, 288)], [(1280, 960), (384, 288)]),
        ((6000, 4000), [(1600, 1056), (1024, 672), (384, 256)], [(1280, 864), (384, 256)]),
        ((500, 400), [(992, 800), (512, 416), (384, 320)], [(992, 800), (384, 320)]),
        ((200, 200), [(384, 384), (224, 224)], [(384, 384), (384, 384)]),
        ((1, 1), [(32, 32), (32, 32)], [(32, 32)]),
        ((30_000, 20), [(1600, 32), (1024, 32), (384, 32)], [(1280, 32), (384, 32)]),
    ],
)
def test_photo_is_searched_at_sizes_that_fit_the_network(
    size: tuple[int, int], accurate: list[tuple[int, int]], fast: list[tuple[int, int]]
) -> None:
    assert sides(*size, "accurate") == accurate
    assert sides(*size, "fast") == fast


def test_cell_is_decoded_by_the_formula_of_the_paper() -> None:
    cells = np.full((16, 3, 4), -20, np.float32)
    cells[:2, 1, 2] = 20
    cells[2:, 1, 2] = [0.5, 0.25, np.log(4), np.log(2), *range(10)]

    [row] = decode(cells, 8, 0.5)

    assert row[SCORE] == pytest.approx(1)
    assert row[:4].tolist() == pytest.approx([20 - 16, 10 - 8, 20 + 16, 10 + 8])
    assert row[5:7].tolist() == pytest.approx([(2 + 0) * 8, (1 + 1) * 8])
    assert row[13:15].tolist() == pytest.approx([(2 + 8) * 8, (1 + 9) * 8])


def test_score_is_the_geometric_mean_of_class_and_object() -> None:
    cells = np.zeros((16, 1, 1), np.float32)
    cells[0], cells[1] = np.log(0.9 / 0.1), np.log(0.4 / 0.6)

    assert decode(cells, 8, 0.59)[0, SCORE] == pytest.approx(0.6)
    assert len(decode(cells, 8, 0.61)) == 0
