"""A database in PostgreSQL, copied by its own programs: `pg_dump` and `pg_restore` of the server's version or later."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from sqlalchemy import text

from fotofila.cli.backup.format import BadBackupError, NotEmptyError
from fotofila.core.db import Database
from fotofila.core.errors import FotofilaError, NotFoundError

DUMP = ("--format=custom", "--no-owner", "--no-acl", "--exclude-table-data=rate_counts")
RESTORE = ("--no-owner", "--no-acl", "--single-transaction", "--exit-on-error")


class ProgramFailedError(FotofilaError):
    """A program of PostgreSQL did not do what it was asked for."""

    code = "database_program_failed"
    permanent = True


async def dump(database: Database, target: Path) -> None:
    """Copy the database as it is at one moment; others go on writing.

    Raises:
        NotFoundError: there is no pg_dump here.
        ProgramFailedError: it failed; the sentence is its own.
    """
    await run("pg_dump", *DUMP, f"--file={target}", database=database)


async def restore(database: Database, source: Path) -> None:
    """Bring a copy back, whole or not at all.

    Raises:
        NotFoundError: there is no pg_restore here.
        BadBackupError: it is no copy of PostgreSQL.
        ProgramFailedError: it failed; the sentence is its own.
    """
    with source.open("rb") as file:
        if file.read(5) != b"PGDMP":
            raise BadBackupError("The database in this backup is damaged: take another backup.")
    await run("pg_restore", *RESTORE, str(source), database=database)


async def demand_empty(database: Database) -> None:
    """Raise NotEmptyError where the database has tables already."""
    query = text("SELECT count(*) FROM information_schema.tables WHERE table_schema = current_schema()")
    async with database.read() as session:
        if await session.scalar(query):
            raise NotEmptyError(f"There are tables in {database.shown} already: restore into an empty database.")


async def run(program: str, *arguments: str, database: Database) -> None:
    """Run a program against the database; the password goes by the environment, which others cannot read."""
    if (path := shutil.which(program)) is None:
        raise NotFoundError(
            f"There is no {program} here: install PostgreSQL's client programs, of the server's version or later."
        )
    url, password = without_password(database.url)
    environment = {**os.environ, **({"PGPASSWORD": password} if password is not None else {})}
    process = await asyncio.create_subprocess_exec(
        path, *arguments, f"--dbname={url}", env=environment, stderr=asyncio.subprocess.PIPE
    )
    _, told = await process.communicate()
    if process.returncode:
        lines = told.decode(errors="replace").strip().splitlines() or [f"it ended with {process.returncode}"]
        why = "; ".join(line.strip() for line in lines[:2])
        raise ProgramFailedError(f"{program} failed ({why}): its version must be that of the server or later.")


def without_password(url: str) -> tuple[str, str | None]:
    """Part a URL from its password."""
    parts = urlsplit(url)
    user, at, where = parts.netloc.rpartition("@")
    name, colon, password = user.partition(":")
    plain = urlunsplit(parts._replace(scheme="postgresql", netloc=f"{name}{at}{where}"))
    return plain, unquote(password) if colon else None
