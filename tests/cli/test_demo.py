from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from fotofila.cli.demo import apart_from_real_data
from fotofila.cli.first_photo import host_header, reachable
from fotofila.core.config import load_settings


@pytest.mark.e2e
def test_the_demo_shows_the_whole_way_of_a_photo(tmp_path: Path) -> None:
    out = tmp_path / "out"
    environment = {**os.environ, "FOTOFILA_DATABASE_URL": "sqlite:////nowhere/real.db", "FOTOFILA_WORKERS": "1"}
    ran = subprocess.run(
        [sys.executable, "-m", "fotofila.cli", "demo", "--out", str(out)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    faces = json.loads((out / "faces.json").read_text())["faces"]
    assert 28 <= len(faces) <= 30
    assert f"{len(faces)} faces" in ran.stdout
    with Image.open(out / "annotated.jpg") as annotated:
        assert annotated.format == "JPEG"


def test_the_demo_forgets_what_leads_to_real_data_and_remembers_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOTOFILA_DATABASE_URL", "sqlite:////real.db")
    monkeypatch.setenv("FOTOFILA_MODELS_DIR", "/models")
    with apart_from_real_data():
        assert "FOTOFILA_DATABASE_URL" not in os.environ
        assert os.environ["FOTOFILA_MODELS_DIR"] == "/models"
    assert os.environ["FOTOFILA_DATABASE_URL"] == "sqlite:////real.db"


@pytest.mark.parametrize(
    ("listening", "connecting"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://0.0.0.0:8000", "http://127.0.0.1:8000"),
        ("http://[::]:8000", "http://[::1]:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_a_server_that_listens_everywhere_is_reached_on_the_loopback(listening: str, connecting: str) -> None:
    assert reachable(listening) == connecting


def test_an_allow_list_without_the_loopback_is_asked_by_a_name_on_it() -> None:
    settings = load_settings(allowed_hosts=["photos.example.org"])
    assert host_header(settings, "http://127.0.0.1:8000") == {"Host": "photos.example.org"}
    assert host_header(load_settings(), "http://127.0.0.1:8000") == {}
