from __future__ import annotations

import os
from pathlib import Path

import pytest

from fotofila.core.inference.errors import ModelUnavailableError
from fotofila.core.inference.store import list_files, load, ready_filename, verify
from fotofila.faces.specs import AGE, EMBEDDER

from .conftest import CONTENT, pinned


def test_missing_model_names_the_command_that_fetches_it(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailableError, match="fotofila models fetch") as raised:
        load(pinned(), tmp_path)

    assert raised.value.status == 503
    assert not raised.value.permanent


def test_damaged_model_is_not_loaded(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"bit rot")

    with pytest.raises(ModelUnavailableError, match="damaged"):
        load(pinned(), tmp_path)
    assert verify(pinned(), tmp_path).state == "damaged"


def test_model_is_hashed_once_by_a_process(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(CONTENT)
    load(pinned(), tmp_path)
    kept = path.stat()
    path.write_bytes(CONTENT[::-1])
    os.utime(path, ns=(kept.st_atime_ns, kept.st_mtime_ns))

    assert load(pinned(), tmp_path) == path
    assert verify(pinned(), tmp_path).state == "damaged"


def test_model_that_changes_is_hashed_again(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(CONTENT)
    load(pinned(), tmp_path)
    path.write_bytes(b"another")

    with pytest.raises(ModelUnavailableError):
        load(pinned(), tmp_path)


def test_rewritten_model_counts_only_with_its_entry_in_the_manifest(tmp_path: Path) -> None:
    (tmp_path / ready_filename(EMBEDDER)).write_bytes(b"who made this?")

    assert list_files([EMBEDDER], tmp_path)[0].state == "missing"
    with pytest.raises(ModelUnavailableError):
        load(EMBEDDER, tmp_path)


def test_list_tells_what_is_there(tmp_path: Path) -> None:
    (tmp_path / AGE.filename).write_bytes(b"x")

    age, embedder = list_files([AGE, EMBEDDER], tmp_path)

    assert (age.state, age.size_bytes) == ("ready", 1)
    assert (embedder.state, embedder.size_bytes) == ("missing", None)


def test_name_of_a_rewritten_file_has_the_rewrite_and_its_revision() -> None:
    assert ready_filename(EMBEDDER) == "face_recognition_sface_2021dec.sface2.onnx"
    assert ready_filename(AGE) == AGE.filename
