from __future__ import annotations

from pathlib import Path

import pytest

from fotofila.core.inference.fetch import fetch_all
from fotofila.faces.packs import PERMISSIVE, RESEARCH
from tests.cli.conftest import Run
from tests.faces.conftest import models_dir

__all__ = ["models_dir"]


@pytest.fixture(autouse=True)
def with_faces(monkeypatch: pytest.MonkeyPatch, models_dir: Path) -> None:
    fetch_all((RESEARCH.embedder,), models_dir)
    monkeypatch.setenv("FOTOFILA_CAPABILITIES", "library,access,notify,faces")
    monkeypatch.setenv("FOTOFILA_MODELS_DIR", str(models_dir))


def test_collection_goes_to_another_model_step_by_step(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli("collections", "create", "visitors", "--switch-on").code == 0
    refused = cli("collections", "model", "visitors", "start", "--to", RESEARCH.model)
    assert (refused.code, "only sface-2021dec-bytes" in refused.err) == (1, True)
    monkeypatch.setenv("FOTOFILA_MODELS_NON_COMMERCIAL", "true")

    started = cli("collections", "model", "visitors", "start", "--to", RESEARCH.model, "--json")

    assert started.json["to_model"] == RESEARCH.model
    assert cli("collections", "model", "visitors", "embed", "--json").json["progress"] == 1
    assert cli("collections", "model", "visitors", "left-behind", "--json").json == []
    assert "same best" in cli("collections", "model", "visitors", "compare").out
    assert cli("collections", "model", "visitors", "switch", "--json").json["model"] == RESEARCH.model
    assert RESEARCH.model in cli("collections", "model", "visitors").out
    assert cli("collections", "model", "visitors", "roll-back", "--json").json["model"] == PERMISSIVE.model
    assert cli("collections", "model", "visitors", "abandon").code == 1
    assert "finish after" in cli("collections", "model", "visitors", "finish").err
    assert "finish after" in cli("collections", "model", "visitors", "finish", "--drop-left-behind").err


def test_a_start_without_a_model_says_how(cli: Run) -> None:
    ran = cli("collections", "model", "visitors", "start")

    assert ran.code == 1
    assert "--to MODEL" in ran.err
    assert "finish --drop-left-behind" in cli("collections", "model", "visitors", "switch", "--drop-left-behind").err
