from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from fotofila.core.inference.errors import ModelUnavailableError
from fotofila.core.inference.openvino_session import OpenVinoSession, fastest_session, openvino_form
from fotofila.core.inference.session import Session
from fotofila.core.inference.store import load
from fotofila.faces.specs import EMBEDDER

Pixels = NDArray[np.uint8]

installed = importlib.util.find_spec("openvino") is not None


@pytest.fixture(scope="session")
def chips(solvay: Pixels) -> Pixels:
    return np.stack([solvay[1000:1112, x : x + 112] for x in (500, 1000, 1500)])


def least_cosine(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> float:
    lengths = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    return float(((ours * theirs).sum(axis=1) / lengths).min())


def test_form_for_openvino_answers_as_the_rewritten_file_does(models_dir: Path, chips: Pixels) -> None:
    path = load(EMBEDDER, models_dir)
    form = openvino_form(onnx.load(path))

    onnx.checker.check_model(form)
    answers = Session(form.SerializeToString()).run(pixels=chips)[0]
    # The same whole numbers; but a last digit decides to which byte a value is rounded, and so on through the layers.
    assert least_cosine(answers, Session(path).run(pixels=chips)[0]) > 0.999


def test_openvino_is_taken_where_it_is_installed(models_dir: Path, chips: Pixels) -> None:
    path = load(EMBEDDER, models_dir)
    session = fastest_session(path)

    assert isinstance(session, OpenVinoSession) == installed
    assert least_cosine(session.run(pixels=chips)[0], Session(path).run(pixels=chips)[0]) > 0.999


@pytest.mark.skipif(not installed, reason="OpenVINO is an extra")
def test_openvino_reports_to_nobody(models_dir: Path) -> None:
    code = f"""
import sys
from pathlib import Path
from fotofila.core.inference.openvino_session import OpenVinoSession
OpenVinoSession(Path({str(load(EMBEDDER, models_dir))!r}))
print(*(name for name, module in sys.modules.items() if module))
"""
    loaded = subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    assert "openvino" in loaded
    assert [name for name in loaded if "openvino_telemetry" in name] == []


def test_without_a_model_or_openvino_the_error_names_the_mend(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(onnx.ModelProto().SerializeToString())

    with pytest.raises(ModelUnavailableError, match="fotofila models fetch"):
        fastest_session(path)
