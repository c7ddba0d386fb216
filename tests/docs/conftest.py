from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from scripts.reference.pages import render_all

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def reference() -> Mapping[str, str]:
    """Every page as the code would make it now."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("FOTOFILA_")]:
            patch.delenv(name)
        patch.setenv("FOTOFILA_CONFIG", os.devnull)
        return render_all()
