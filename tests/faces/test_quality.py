from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter

from fotofila.faces.quality import measure_quality


@pytest.mark.parametrize(("value", "brightness"), [(0, 0), (51, 20), (255, 100)])
def test_flat_chip_has_its_luma_as_brightness_and_no_sharpness(value: int, brightness: float) -> None:
    quality = measure_quality(np.full((112, 112, 3), value, np.uint8))

    assert quality.brightness == pytest.approx(brightness, abs=0.01)
    assert quality.sharpness == pytest.approx(0, abs=0.01)


def test_blur_lowers_sharpness_step_by_step_and_leaves_brightness() -> None:
    noise = Image.fromarray(np.random.default_rng(5).integers(0, 256, (112, 112, 3), np.uint8))
    found = [
        measure_quality(np.asarray(noise.filter(ImageFilter.GaussianBlur(radius)) if radius else noise))
        for radius in (0, 0.5, 1, 2, 4)
    ]

    sharpness = [quality.sharpness for quality in found]
    assert sharpness == sorted(sharpness, reverse=True)
    assert sharpness[0] > 95
    assert sharpness[-1] < 5
    assert all(quality.brightness == pytest.approx(50, abs=2) for quality in found)
