from __future__ import annotations

from pathlib import Path

import pytest

from fotofila.cli.pictures import find_pictures
from fotofila.core.errors import NotFoundError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.jpg", "a.HEIC", "notes.txt", "._b.jpg", ".hidden/c.jpg", "inner/d.png"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    return tmp_path


def names(*paths: Path) -> list[str]:
    return [picture.path.name for picture in find_pictures(paths)]


def test_a_folder_gives_its_photos_in_order_without_what_is_hidden(folder: Path) -> None:
    assert names(folder) == ["a.HEIC", "b.jpg", "d.png"]


def test_a_named_file_is_taken_whatever_it_is_called(folder: Path) -> None:
    assert names(folder / "notes.txt") == ["notes.txt"]


def test_a_file_that_is_named_twice_is_taken_once(folder: Path) -> None:
    assert names(folder / "b.jpg", folder / "inner" / ".." / "b.jpg", folder) == ["b.jpg", "a.HEIC", "d.png"]


def test_a_circle_of_links_ends(folder: Path) -> None:
    (folder / "inner" / "again").symlink_to(folder, target_is_directory=True)
    assert len(names(folder)) == 3


def test_what_is_not_there_is_told(folder: Path) -> None:
    with pytest.raises(NotFoundError, match="spelling"):
        find_pictures([folder / "nothere"])


def test_a_folder_without_photos_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no photo"):
        find_pictures([tmp_path])
