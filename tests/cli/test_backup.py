from __future__ import annotations

import asyncio
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from fotofila.bootstrap import make_context
from fotofila.cli.backup.postgres import without_password
from fotofila.core.config import load_settings
from fotofila.testing.servers import PostgresServer
from fotofila.testing.servers.postgres import binaries
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


@pytest.fixture
def postgres(
    postgres_url: str, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], None]:
    """Name a database, with PostgreSQL's own programs at hand."""
    monkeypatch.setenv("PATH", f"{binaries()}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("FOTOFILA_DATABASE_URL", postgres_url)

    def use(name: str) -> None:
        postgres_server.psql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        postgres_server.psql(f"CREATE DATABASE {name}")
        monkeypatch.setenv("FOTOFILA_DATABASE_URL", postgres_server.database(name))

    return use


def test_a_database_in_postgresql_comes_back(
    cli: Run, postgres: Callable[[str], None], tmp_path: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli("migrate").code == 0
    assert cli("keys", "create", "laptop").code == 0
    asyncio.run(put("originals/a/b", b"picture"))
    keys = cli("keys", "list", "--json").json
    archive = tmp_path / "backup.tar"
    made = cli("backup", archive, "--json")
    assert made.code == 0, made.err
    with tarfile.open(archive) as tar:
        assert "fotofila.dump" in tar.getnames()
    monkeypatch.setenv("FOTOFILA_DATA_DIR", str(elsewhere))
    refused = cli("restore", archive)
    assert refused.code == 1
    assert "restore into an empty database" in refused.err
    postgres("restored_here")
    assert cli("restore", archive).code == 0
    assert cli("keys", "list", "--json").json == keys
    assert asyncio.run(get("originals/a/b")) == b"picture"


def test_a_backup_of_the_other_database_is_refused(
    cli: Run,
    archive: Path,
    elsewhere: Path,
    postgres_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FOTOFILA_DATABASE_URL", postgres_url)
    monkeypatch.setenv("FOTOFILA_DATA_DIR", str(elsewhere))
    ran = cli("restore", archive)
    assert ran.code == 1
    assert "this is a backup of SQLite" in ran.err
    assert list(elsewhere.iterdir()) == []


def test_without_the_programs_of_postgresql_the_sentence_names_them(
    cli: Run, postgres: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli("migrate").code == 0
    monkeypatch.setenv("PATH", str(tmp_path))
    ran = cli("backup", tmp_path / "backup.tar")
    assert ran.code == 1
    assert "There is no pg_dump here: install PostgreSQL's client programs" in ran.err


def test_what_a_program_of_postgresql_says_is_passed_on(
    cli: Run, postgres: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli("migrate").code == 0
    program = tmp_path / "pg_dump"
    program.write_text("#!/bin/sh\necho 'pg_dump: error: server version mismatch' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    ran = cli("backup", tmp_path / "backup.tar")
    assert ran.code == 1
    assert "server version mismatch" in ran.err
    assert not (tmp_path / "backup.tar").exists()


def test_a_password_is_not_among_the_arguments() -> None:
    url, password = without_password("postgres://u:p%40ss@h:5/d?sslmode=require")
    assert (url, password) == ("postgresql://u@h:5/d?sslmode=require", "p@ss")
