from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fotofila.core.inference.fetch import fetch, fetch_all
from fotofila.core.inference.store import default_models_dir
from fotofila.faces.analyzer import FaceAnalyzer
from fotofila.faces.specs import DEMO_PHOTO, FALLBACKS, SPECS


@pytest.fixture(scope="session")
def models_dir() -> Path:
    folder = Path(os.environ.get("FOTOFILA_MODELS_DIR") or default_models_dir())
    fetch_all((*SPECS, *FALLBACKS), folder)
    return folder


@pytest.fixture(scope="session")
def solvay(models_dir: Path) -> NDArray[np.uint8]:
    with Image.open(fetch(DEMO_PHOTO, models_dir).path) as image:
        return np.asarray(image.convert("RGB"))


@pytest.fixture(scope="session")
def analyzer(models_dir: Path) -> FaceAnalyzer:
    return FaceAnalyzer(models_dir)
