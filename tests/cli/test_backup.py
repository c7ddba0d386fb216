from __future__ import annotations

import asyncio
import os
import tarfile
from pathlib import Path

import pytest

from fotofila.bootstrap import make_context
from fotofila.core.config import load_settings
from tests.cli.conftest import Run


async def put(key: str, content: bytes) -> None:
    context = make_context(load_settings())
    await context.storage.put(key, content)
    await context.close()


async def get(key: str) -> bytes:
    context = make_context(load_settings())
    content = await context.storage.get(key)
    await context.close()
    return content


@pytest.fixture
def archive(cli: Run, tmp_path: Path) -> Path:
    """A backup of a folder with one key and one object."""
    cli("keys", "create", "laptop")
    asyncio.run(put("originals/a/b", b"picture"))
    archive = tmp_path / "backup.tar"
    made = cli("backup", archive, "--json")
    assert made.code == 0
    assert made.json["members"] == 2
    return archive


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    return tmp_path / "elsewhere"


def test_what_was_backed_up_comes_back(
    cli: Run, archive: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = cli("keys", "list", "--json").json
    monkeypatch.setenv("FOTOFILA_DATA_DIR", str(elsewhere))
    assert cli("restore", archive).code == 0
    assert cli("keys", "list", "--json").json == keys
    assert asyncio.run(get("originals/a/b")) == b"picture"
    assert sorted(path.name for path in elsewhere.glob(".*")) == []


def test_a_backup_is_for_its_owner_only(archive: Path) -> None:
    assert archive.stat().st_mode & 0o077 == 0


def test_the_secret_key_goes_in_only_when_asked(cli: Run, archive: Path, tmp_path: Path, data_dir: Path) -> None:
    with tarfile.open(archive) as tar:
        assert "secret.key" not in tar.getnames()
    with_key = tmp_path / "with-key.tar"
    cli("backup", with_key, "--with-secret-key")
    with tarfile.open(with_key) as tar:
        member = tar.extractfile("secret.key")
        assert member is not None
        assert member.read() == (data_dir / "secret.key").read_bytes()


def test_a_folder_that_holds_something_is_refused(cli: Run, archive: Path) -> None:
    ran = cli("restore", archive)
    assert ran.code == 1
    assert "not empty" in ran.err


def test_a_backup_that_was_cut_off_changes_nothing(
    cli: Run, archive: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.truncate(archive, archive.stat().st_size // 2)
    monkeypatch.setenv("FOTOFILA_DATA_DIR", str(elsewhere))
    ran = cli("restore", archive)
    assert ran.code == 1
    assert "no whole backup" in ran.err
    assert list(elsewhere.iterdir()) == []


def test_a_damaged_member_is_named(cli: Run, archive: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive.write_bytes(archive.read_bytes().replace(b"picture", b"forgery"))
    monkeypatch.setenv("FOTOFILA_DATA_DIR", str(elsewhere))
    ran = cli("restore", archive)
    assert ran.code == 1
    assert "objects/originals/a/b" in ran.err
    assert list(elsewhere.iterdir()) == []


def test_a_backup_overwrites_nothing(cli: Run, archive: Path) -> None:
    before = archive.read_bytes()
    ran = cli("backup", archive)
    assert ran.code == 1
    assert archive.read_bytes() == before


def test_without_a_database_there_is_nothing_to_back_up(cli: Run, tmp_path: Path) -> None:
    ran = cli("backup", tmp_path / "new.tar")
    assert ran.code == 1
    assert "FOTOFILA_DATA_DIR" in ran.err
    assert not (tmp_path / "new.tar").exists()
