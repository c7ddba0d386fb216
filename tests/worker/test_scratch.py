from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fotofila.testing.processes import acting
from fotofila.worker.scratch import DIRECT_PREFIX, PREFIX, Trays, remove_stale, scratch_folder


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def names(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir())


async def work_and_say(say: Callable[[Any], None], root: Path) -> None:
    tempfile.tempdir = str(root)
    with scratch_folder() as folder:
        (folder / "original").write_bytes(b"somebody's photo")
        say(str(folder))
        await asyncio.Event().wait()


def test_folder_goes_with_its_worker(root: Path) -> None:
    with scratch_folder() as folder:
        (folder / "original").write_bytes(b"x")
        assert folder.parent == root
        assert folder.name.startswith(PREFIX)
        assert oct(folder.stat().st_mode & 0o777) == "0o700"
    assert names(root) == []


async def test_what_a_killed_worker_left_is_removed_by_the_next(root: Path) -> None:
    with acting(work_and_say, root) as worker:
        left = Path(await worker.hear())
        with scratch_folder():
            assert (left / "original").exists(), "it is at work"
        worker.kill()
    assert (left / "original").exists()
    with scratch_folder() as folder:
        assert names(root) == [folder.name]


def test_folders_of_others_are_left_alone(root: Path) -> None:
    (root / f"{PREFIX}of-somebody-else").mkdir()
    (root / f"{PREFIX}file").touch()
    with scratch_folder():
        pass
    assert names(root) == [f"{PREFIX}file", f"{PREFIX}of-somebody-else"]


def test_what_killed_servers_left_is_removed_after_a_day(root: Path) -> None:
    old, fresh = root / f"{DIRECT_PREFIX}old", root / f"{DIRECT_PREFIX}fresh"
    for folder in (old, fresh):
        folder.mkdir()
        (folder / "original").write_bytes(b"somebody's photo")
    os.utime(old, times=(0, 0))
    remove_stale()
    assert names(root) == [fresh.name]


def test_tray_is_used_again_and_holds_nothing_of_the_job_before(tmp_path: Path) -> None:
    trays = Trays(tmp_path)
    with trays.take() as first:
        first.original.write_bytes(b"somebody's photo")
        (first.made / "made.webp").write_bytes(b"x")
        with trays.take() as second:
            assert second.made != first.made, "two jobs at a time never share one"
    with trays.take() as again:
        assert again.made in {first.made, second.made}
        assert list(again.made.iterdir()) == []


def test_tray_with_more_than_files_in_it_is_thrown_away(tmp_path: Path) -> None:
    trays = Trays(tmp_path)
    with trays.take() as first:
        (first.made / "folder").mkdir()
        (first.made / "folder" / "file").write_bytes(b"x")
    assert names(tmp_path) == []
    with trays.take() as second:
        assert list(second.made.iterdir()) == []


def test_wiped_trays_keep_no_original(tmp_path: Path) -> None:
    trays = Trays(tmp_path)
    with trays.take() as idle:
        idle.original.write_bytes(b"somebody's photo")
    with trays.take() as first, trays.take() as second:
        second.original.write_bytes(b"another photo")
    with trays.take() as busy:
        busy.original.write_bytes(b"at work")
        trays.wipe()
        assert busy.original.read_bytes() == b"at work"
        others = {first.original, second.original} - {busy.original}
        assert [path.read_bytes() for path in others if path.exists()] == [b""]
