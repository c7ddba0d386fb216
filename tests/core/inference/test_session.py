from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fotofila.core.inference.errors import ModelUnavailableError
from fotofila.core.inference.resampling import resample
from fotofila.core.inference.session import Session


def test_file_that_is_no_model_is_an_error_with_the_mend(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"not a model")

    with pytest.raises(ModelUnavailableError, match="fotofila models"):
        Session(path)


def test_enlarging_is_the_bilinear_enlarging_of_pillow() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (20, 30, 3), np.uint8)

    planes = resample(pixels, width=48, height=33)

    theirs = np.asarray(Image.fromarray(pixels).resize((48, 33), Image.Resampling.BILINEAR))
    np.testing.assert_allclose(planes[0].transpose(1, 2, 0), theirs, atol=1.01)
