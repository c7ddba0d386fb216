from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from fotofila.cli.pinned import demo_photo, needed_files, unmet_roles
from fotofila.core.config import load_settings
from fotofila.core.inference.store import list_files
from tests.cli.conftest import Run


@pytest.fixture(autouse=True)
def faces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOTOFILA_CAPABILITIES", "library,access,notify,faces")
    monkeypatch.setenv("FOTOFILA_WORKERS", "1")


@pytest.fixture
def photo() -> Path:
    """The photo of the demo; `make test` has fetched it and the models."""
    settings = load_settings()
    missing = unmet_roles(list_files(needed_files(settings), settings.models_dir))
    assert not missing, f"run `make models` first: {missing}"
    return demo_photo(settings)


def test_faces_are_found_without_a_server(cli: Run, photo: Path, tmp_path: Path, data_dir: Path) -> None:
    drawn = tmp_path / "drawn"
    ran = cli("analyze", photo, "--annotate", drawn, "--json")
    assert ran.code == 0
    (found,) = ran.json["photos"]
    assert found["file"] == str(photo)
    assert found["faces"]
    assert "embedding" not in found["faces"][0]
    with Image.open(drawn / f"{photo.stem}-annotated.jpg") as annotated:
        assert annotated.format == "JPEG"
    assert not data_dir.exists()


def test_an_embedding_is_given_when_it_is_asked_for(cli: Run, photo: Path) -> None:
    ran = cli("analyze", photo, "--fast", "--embed", "--json")
    assert len(ran.json["photos"][0]["faces"][0]["embedding"]) == 128


def test_a_table_is_printed_for_people(cli: Run, photo: Path) -> None:
    ran = cli("analyze", photo, "--fast")
    assert photo.name in ran.out
    assert "Sure" in ran.out


def test_a_file_that_is_no_photo_stops_no_other(cli: Run, photo: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").write_bytes(b"")
    ran = cli("analyze", tmp_path / "empty.jpg", photo, "--fast", "--json")
    assert ran.code == 1
    empty, found = ran.json["photos"]
    assert empty["error"]["code"] == "empty_file"
    assert found["faces"]


def test_missing_models_name_the_command_that_fetches_them(
    cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOTOFILA_MODELS_DIR", str(tmp_path))
    ran = cli("analyze", "any.jpg")
    assert ran.code == 1
    assert "`fotofila models fetch`" in ran.err


def test_models_are_listed_with_their_licences(cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOTOFILA_MODELS_DIR", str(tmp_path))
    listed = cli("models", "list", "--json").json
    assert {model["licence"] for model in listed} >= {"MIT", "Apache-2.0", "CC0-1.0"}
    assert {model["state"] for model in listed} == {"missing"}
    ran = cli("models", "verify")
    assert ran.code == 1
    assert "`fotofila models fetch`" in ran.err
