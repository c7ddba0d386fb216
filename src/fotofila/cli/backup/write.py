"""Writing a backup while the server goes on."""

from __future__ import annotations

import asyncio
import io
import os
import sqlite3
import tarfile
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from rich.progress import Progress, SpinnerColumn, TextColumn

from fotofila import __version__
from fotofila.bootstrap import make_database, make_storage
from fotofila.cli.backup.format import (
    FORMAT,
    MANIFEST,
    OBJECTS,
    SECRET_KEY,
    Manifest,
    Member,
    NotEmptyError,
    Summary,
    hash_file,
    member_of,
    summary,
)
from fotofila.cli.backup.postgres import dump
from fotofila.cli.database import told_database
from fotofila.cli.output import ERR
from fotofila.core.clock import SystemClock
from fotofila.core.config import Settings
from fotofila.core.db import Database
from fotofila.core.db.migrate import current_revision
from fotofila.core.errors import NotFoundError
from fotofila.core.storage import ObjectNotFoundError, Storage


async def back_up_to(settings: Settings, target: Path, *, with_secret_key: bool) -> Summary:
    """Write a backup; it gets its name when it is whole.

    Raises:
        NotEmptyError: there is a file of this name.
        NotFoundError: there is no database yet, or no secret key.
        ProgramFailedError: PostgreSQL's own program failed.
    """
    partial = begin(target)
    database, storage = make_database(settings), make_storage(settings)
    try:
        if database.is_sqlite and not database.file.is_file():
            raise NotFoundError(f"There is no database {database.file} yet: is FOTOFILA_DATA_DIR the right folder?")
        with told_database(database):
            revision = await current_revision(database)
        key = secret_key_file(settings) if with_secret_key else None
        with tarfile.open(partial, "x") as tar:
            members = [member async for member in write_members(tar, database, storage, key)]
            manifest = Manifest(
                format=FORMAT,
                program=f"fotofila {__version__}",
                created_at=SystemClock().now().isoformat(),
                revision=revision,
                members=members,
            )
            add_bytes(tar, MANIFEST, manifest.model_dump_json(indent=1).encode())
        await asyncio.to_thread(settle, partial, target)
    finally:
        partial.unlink(missing_ok=True)
        await storage.close()
        await database.close()
    return summary(members, revision)


def begin(target: Path) -> Path:
    """Return under which name to write.

    Raises:
        NotEmptyError: there is a file of the final name.
    """
    if target.exists():
        raise NotEmptyError(f"There is a file {target} already: choose another name.")
    partial = target.with_name(f".{target.name}.partial")
    partial.unlink(missing_ok=True)
    return partial


def secret_key_file(settings: Settings) -> Path:
    """Return where the secret key is.

    Raises:
        NotFoundError: it is not in the data folder.
    """
    path = settings.data_dir / SECRET_KEY
    if not path.is_file():
        raise NotFoundError(f"There is no {path}: the key is in FOTOFILA_SECRET_KEY, keep it from there.")
    return path


async def write_members(
    tar: tarfile.TarFile, database: Database, storage: Storage, key: Path | None
) -> AsyncIterator[Member]:
    """Add the database as it is now, then the objects: each was stored before the row that tells of it."""
    with tempfile.TemporaryDirectory(prefix="fotofila-backup-") as folder, progress() as shown:
        task = shown.add_task("", files=0)
        name = member_of(database)
        copy = Path(folder) / name
        if database.is_sqlite:
            await asyncio.to_thread(copy_database, database.file, copy)
        else:
            await dump(database, copy)
        yield await asyncio.to_thread(add_file, tar, name, copy)
        if key is not None:
            yield await asyncio.to_thread(add_file, tar, SECRET_KEY, key)
        number = 0
        async for info in storage.list(""):
            path = Path(folder) / "object"
            try:
                await storage.get_file(info.key, path)
            except ObjectNotFoundError:
                continue  # it was deleted since it was listed
            yield await asyncio.to_thread(add_file, tar, OBJECTS + info.key, path)
            number += 1
            shown.update(task, files=number)


def progress() -> Progress:
    """Make what shows how many objects are written."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.fields[files]} objects written"),
        console=ERR,
        transient=True,
        disable=not ERR.is_terminal,
    )


def copy_database(source: Path, target: Path) -> None:
    """Copy a database that others write to, as it is at one moment (SQLite's online backup)."""
    reading = sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)
    writing = sqlite3.connect(target)
    try:
        reading.backup(writing)
        writing.execute("PRAGMA journal_mode=DELETE")  # one file, with nothing beside it
    finally:
        writing.close()
        reading.close()


def add_file(tar: tarfile.TarFile, name: str, path: Path) -> Member:
    """Add a file under a name."""
    info = tarfile.TarInfo(name)
    info.size = path.stat().st_size
    info.mtime = int(path.stat().st_mtime)
    info.mode = 0o600
    with path.open("rb") as file:
        tar.addfile(info, file)
    return Member(name=name, size_bytes=info.size, sha256=hash_file(path))


def add_bytes(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    """Add a small member."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))


def settle(partial: Path, target: Path) -> None:
    """Make a whole file durable, readable by its owner only, and give it its name."""
    partial.chmod(0o600)
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    partial.rename(target)
