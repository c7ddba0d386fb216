from __future__ import annotations

import asyncio
import errno
import os
import resource
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fotofila.core.errors import StorageFullError
from fotofila.core.storage.base import ObjectNotFoundError
from fotofila.core.storage.durable import PARTIAL
from fotofila.core.storage.local import STALE_SECONDS, LocalStorage
from fotofila.testing.processes import acting
from tests.core.disks import small_disk

PARTS = st.text(alphabet="ab-._0Z", min_size=1, max_size=4).filter(lambda part: part[0] not in "-.")
KEYS = st.lists(PARTS, min_size=1, max_size=4).map("/".join)


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "objects")


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Return what was fsynced, in order, by the name that it had then."""
    paths: list[Path] = []
    real = os.fsync

    def fsync(handle: int) -> None:
        paths.append(Path(f"/proc/self/fd/{handle}").readlink())
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    return paths


async def keys(storage: LocalStorage, prefix: str = "") -> list[str]:
    return [info.key async for info in storage.list(prefix)]


async def fill_and_say(say: Callable[[Any], None], root: Path) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
    storage = LocalStorage(root)
    try:
        await storage.put("a/b", bytes(2_000_000))
    except StorageFullError as error:
        say(error.code)
    await asyncio.Event().wait()


@pytest.mark.skipif(sys.platform != "linux", reason="names of open files come from /proc")
async def test_file_and_every_new_folder_are_synced(storage: LocalStorage, synced: list[Path], tmp_path: Path) -> None:
    root = tmp_path / "objects"
    async with storage.open_writer("a/b/c") as writer:
        await writer.write(b"x")
        await writer.commit()
        assert synced[:2] == [root, root / "a"], "the names of the new folders"
        assert synced[2].name.startswith(PARTIAL), "the content, before it has a name"
        assert synced[3:] == [root / "a" / "b"], "the name"


@pytest.mark.skipif(sys.platform != "linux", reason="names of open files come from /proc")
async def test_new_folder_is_synced_before_anything_else_can_be_in_it(
    storage: LocalStorage, synced: list[Path], tmp_path: Path
) -> None:
    """What comes into it meanwhile is answered, and would be lost with the name of its folder."""
    root = tmp_path / "objects"
    async with storage.open_writer("a/slow") as writer:
        await writer.write(b"x")
        await writer.write(b"y")
        assert synced == [root]


@pytest.mark.skipif(sys.platform != "linux", reason="names of open files come from /proc")
async def test_new_folder_of_files_that_failed_is_synced(
    storage: LocalStorage, synced: list[Path], tmp_path: Path
) -> None:
    with pytest.raises(ObjectNotFoundError):
        await storage.put_files({"a/b": b"x", "c/d": tmp_path / "none"})
    assert tmp_path / "objects" in synced[1:]


@pytest.mark.skipif(sys.platform != "linux", reason="names of open files come from /proc")
async def test_moved_file_is_synced_too(storage: LocalStorage, synced: list[Path], tmp_path: Path) -> None:
    (tmp_path / "made").write_bytes(b"x")
    await storage.put_files({"a/b": tmp_path / "made"})
    assert synced[0].name.startswith(PARTIAL)
    assert sorted(synced[1:]) == [tmp_path / "objects", tmp_path / "objects" / "a"]


async def test_file_of_another_disk_is_copied(storage: LocalStorage, tmp_path: Path) -> None:
    with small_disk(tmp_path / "other", size_kib=512) as other:
        (other / "made").write_bytes(b"content")
        await storage.put_files({"a/b": other / "made"})
    assert await storage.get("a/b") == b"content"


async def test_full_disk_is_told_and_leaves_nothing_of_the_object(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", size_kib=512) as disk:
        storage = LocalStorage(disk / "objects")
        await storage.put("a/first", b"first")
        with pytest.raises(StorageFullError, match="free some space"):
            await storage.put("a/b", bytes(1024 * 1024))
        (tmp_path / "made").write_bytes(bytes(1024 * 1024))
        with pytest.raises(StorageFullError, match="free some space"):
            await storage.put_files({"a/b": tmp_path / "made"})
        assert await keys(storage) == ["a/first"]
        assert [path.name for path in (disk / "objects" / "a").iterdir()] == ["first"]
        await storage.put("a/last", b"last")
        assert await storage.get("a/last") == b"last"


async def test_file_limit_is_told_as_a_full_disk(tmp_path: Path) -> None:
    with acting(fill_and_say, tmp_path / "objects") as actor:
        assert await actor.hear() == "storage_full"
    assert list((tmp_path / "objects" / "a").iterdir()) == []


async def test_interrupted_write_shows_as_no_space_only_when_there_is_none(
    storage: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fsync(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(StorageFullError):
        await storage.put("a", b"x")
    monkeypatch.undo()
    assert await keys(storage) == []


async def test_leftovers_of_killed_writers_are_removed_once_they_are_old(storage: LocalStorage, tmp_path: Path) -> None:
    await storage.put("a/b", b"x")
    folder = tmp_path / "objects" / "a"
    young, old = folder / f"{PARTIAL}young", folder / f"{PARTIAL}old"
    for path in (young, old):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - STALE_SECONDS - 60,) * 2)
    assert await keys(storage) == ["a/b"]
    assert sorted(path.name for path in folder.iterdir()) == [young.name, "b"]


async def test_folders_that_become_empty_go(storage: LocalStorage, tmp_path: Path) -> None:
    await storage.put("a/b/c", b"x")
    await storage.put("a/d", b"x")
    await storage.delete(["a/b/c"])
    assert sorted(path.name for path in (tmp_path / "objects").rglob("*")) == ["a", "d"]
    await storage.delete(["a/d"])
    assert list((tmp_path / "objects").iterdir()) == []


async def test_link_in_the_folder_leads_nowhere(storage: LocalStorage, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "file").write_bytes(b"secret")
    await storage.put("a/b", b"x")
    (tmp_path / "objects" / "a" / "link").symlink_to(tmp_path / "secret")
    assert "a/link/file" not in await keys(storage)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.sets(KEYS, min_size=1, max_size=12), prefix=st.text(alphabet="ab-._0Z/", max_size=5))
def test_list_is_the_sorted_keys_with_a_prefix(
    names: set[str], prefix: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    names = {name for name in names if not any(other.startswith(name + "/") for other in names)}
    storage = LocalStorage(tmp_path_factory.mktemp("objects"))

    async def scenario() -> list[str]:
        for name in names:
            await storage.put(name, b"")
        return await keys(storage, prefix)

    assert asyncio.run(scenario()) == sorted(name for name in names if name.startswith(prefix))


async def test_what_is_still_being_written_when_its_caller_leaves_is_closed_only_afterwards(
    storage: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    written: list[tuple[int, int]] = []
    real = os.write

    def write(handle: int, content: bytes) -> int:
        begun.set()
        go_on.wait()
        written.append((handle, os.fstat(handle).st_ino))  # fails where it was closed meanwhile
        return real(handle, content)

    monkeypatch.setattr(os, "write", write)

    async def upload() -> None:
        async with storage.open_writer("a/b") as writer:
            await writer.write(b"one")
            await writer.write(b"two")

    task = asyncio.create_task(upload())
    await asyncio.to_thread(begun.wait)
    task.cancel()
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_later(0.1, go_on.set)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(written) == 1
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(written[0][0])
    assert not list((storage.path("a/b").parent).glob("*"))


async def test_folder_behind_a_link_that_leads_nowhere_is_no_endless_work(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path / "objects")
    (tmp_path / "objects" / "a").symlink_to(tmp_path / "away")
    with pytest.raises(ObjectNotFoundError):
        await storage.put("a/b/c", b"one")
