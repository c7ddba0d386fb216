"""Bringing a backup back: first everything is unpacked beside the data folder and checked, then put in its place."""

from __future__ import annotations

import asyncio
import shutil
import tarfile
import tempfile
from pathlib import Path, PurePosixPath

from pydantic import ValidationError

from fotofila.bootstrap import make_database, make_storage
from fotofila.cli.backup.format import (
    DATABASE,
    DUMP,
    FORMAT,
    MANIFEST,
    OBJECTS,
    SECRET_KEY,
    BadBackupError,
    Manifest,
    NotEmptyError,
    Summary,
    hash_file,
    member_of,
    summary,
)
from fotofila.cli.backup.postgres import demand_empty, restore
from fotofila.cli.database import told_database
from fotofila.core.config import Settings
from fotofila.core.db import Database
from fotofila.core.errors import NotFoundError
from fotofila.core.storage import Storage


async def restore_from(settings: Settings, source: Path) -> Summary:
    """Bring a backup back.

    Raises:
        NotFoundError: there is no such file.
        NotEmptyError: there is something in the data folder, the database or the storage.
        BadBackupError: the file is no whole backup; nothing was changed.
    """
    prepare(source, settings.data_dir)
    database = make_database(settings)
    try:
        if not database.is_sqlite:
            with told_database(database):
                await demand_empty(database)
        elif database.file.exists():
            raise NotEmptyError(f"There is a database {database.file} already: restore where there is none.")
        with tempfile.TemporaryDirectory(prefix=".restoring-", dir=settings.data_dir) as folder:
            manifest = await asyncio.to_thread(unpack, source, Path(folder))
            demand_same_kind(manifest, database)
            await put_in_place(settings, Path(folder), manifest, database)
    finally:
        await database.close()
    return summary(manifest.members, manifest.revision)


def prepare(source: Path, folder: Path) -> None:
    """Make the data folder; raise NotFoundError without a backup, NotEmptyError where the folder holds anything."""
    if not source.is_file():
        raise NotFoundError(f"There is no file {source}: look at its spelling.")
    for path in folder.rglob("*"):
        if not path.is_dir():
            message = f"{folder} is not empty ({path.name}): restore into an empty folder, by FOTOFILA_DATA_DIR."
            raise NotEmptyError(message)
    folder.mkdir(parents=True, exist_ok=True)


def unpack(source: Path, folder: Path) -> Manifest:
    """Unpack a backup and compare every file with the manifest.

    Raises:
        BadBackupError: it is cut off, was changed, or never was a backup.
    """
    try:
        with tarfile.open(source, "r:") as tar:
            tar.extractall(folder, filter="data")
        manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except (tarfile.TarError, FileNotFoundError, EOFError) as error:
        raise BadBackupError(f"{source} is no whole backup: it was cut off, or is something else.") from error
    except ValidationError as error:
        raise BadBackupError(f"{source} is a backup of another kind: was it made by a newer version?") from error
    if manifest.format != FORMAT:
        raise BadBackupError(f"{source} has format {manifest.format}; this version reads {FORMAT}: upgrade first.")
    for member in manifest.members:
        path = folder / PurePosixPath(member.name)
        if ".." in path.parts or not path.is_file() or hash_file(path) != member.sha256:
            raise BadBackupError(f"{member.name} in {source} is damaged: take another backup.")
    return manifest


def demand_same_kind(manifest: Manifest, database: Database) -> None:
    """Raise BadBackupError where a backup holds a database of the other kind."""
    if not any(member.name == member_of(database) for member in manifest.members):
        kinds = ("SQLite", "PostgreSQL") if database.is_sqlite else ("PostgreSQL", "SQLite")
        raise BadBackupError(
            f"FOTOFILA_DATABASE_URL names {kinds[0]}, and this is a backup of {kinds[1]}: set another."
        )


async def put_in_place(settings: Settings, folder: Path, manifest: Manifest, database: Database) -> None:
    """Put objects first and the database last, so that its rows never tell of objects that are not there."""
    storage = make_storage(settings)
    try:
        await demand_no_objects(storage)
        for member in manifest.members:
            if member.name.startswith(OBJECTS):
                await storage.put_files({member.name.removeprefix(OBJECTS): folder / member.name})
    finally:
        await storage.close()
    if any(member.name == SECRET_KEY for member in manifest.members):
        place(folder / SECRET_KEY, settings.data_dir / SECRET_KEY)
    if database.is_sqlite:
        place(folder / DATABASE, database.file)
    else:
        await restore(database, folder / DUMP)


async def demand_no_objects(storage: Storage) -> None:
    """Raise NotEmptyError where the storage holds anything."""
    async for info in storage.list(""):
        raise NotEmptyError(f"The storage is not empty ({info.key}): set FOTOFILA_STORAGE_URL to one that is.")


def place(source: Path, target: Path) -> None:
    """Move a file to its place, readable by its owner only."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(source, target)
    target.chmod(0o600)
