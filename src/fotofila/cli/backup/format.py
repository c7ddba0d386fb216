"""What a backup consists of."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from fotofila.core.db import Database
from fotofila.core.errors import ConflictError, FotofilaError

FORMAT = 1
DATABASE = "fotofila.db"
"""A file of SQLite."""
DUMP = "fotofila.dump"
"""A copy that `pg_dump` made."""
OBJECTS = "objects/"
SECRET_KEY = "secret.key"  # noqa: S105 - the name of a file
MANIFEST = "manifest.json"


class BadBackupError(FotofilaError):
    """A file is no whole backup."""

    code = "bad_backup"
    status = 422
    permanent = True


class NotEmptyError(ConflictError):
    """There is something where a backup should go to, or come from."""

    code = "not_empty"


class Member(BaseModel):
    """A file in a backup."""

    name: str
    size_bytes: int
    sha256: str


class Manifest(BaseModel):
    """What a whole backup has."""

    format: int
    program: str
    created_at: str
    revision: str | None
    members: list[Member]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What was written, or brought back."""

    members: int
    bytes: int
    revision: str | None


def summary(members: Sequence[Member], revision: str | None) -> Summary:
    """Count."""
    return Summary(members=len(members), bytes=sum(member.size_bytes for member in members), revision=revision)


def member_of(database: Database) -> str:
    """Return under which name a backup holds a database of this kind."""
    return DATABASE if database.is_sqlite else DUMP


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
