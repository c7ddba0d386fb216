from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run


def test_pack_whose_licence_nobody_accepted_is_not_fetched(
    cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOTOFILA_MODELS_DIR", str(tmp_path))

    ran = cli("models", "fetch", "--pack", "research")

    assert ran.code == 1
    assert "non-commercial use only" in ran.err
    assert "FOTOFILA_MODELS_NON_COMMERCIAL=true" in ran.err
    assert list(tmp_path.iterdir()) == []


def test_models_of_a_pack_are_listed_with_their_licences(
    cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOTOFILA_MODELS_DIR", str(tmp_path))

    listed = cli("models", "list", "--pack", "research", "--json").json

    licences = {file["name"]: file["licence"] for file in listed}
    assert licences["edgeface-s-gamma05"] == "CC-BY-NC-SA-4.0"
    assert "scrfd-2.5g" in licences
    assert "yunet" not in licences
    assert cli("models", "verify", "--pack", "research").code == 1


def test_unknown_pack_is_told_with_those_that_there_are(cli: Run) -> None:
    ran = cli("models", "list", "--pack", "other")

    assert ran.code != 0
    assert "permissive, research" in ran.err
