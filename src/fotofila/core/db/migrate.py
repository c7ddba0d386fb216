"""Migrations: on SQLite they run by themselves at the start; elsewhere a start on an old schema is refused."""

from __future__ import annotations

import asyncio
import logging
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text

from fotofila.core.db.engine import Database
from fotofila.core.db.outages import DatabaseUnavailableError
from fotofila.core.errors import FotofilaError, UnavailableError
from fotofila.core.observability.logs import get_logger

log = get_logger(__name__)

FOLDER = Path(__file__).parent / "migrations"
MIGRATION_LOCK = 7_046_029_253

# It tells of every look at the revision, and probes look every few seconds.
logging.getLogger("alembic.runtime.migration").setLevel(logging.WARNING)


class SchemaError(FotofilaError):
    """The database is not at the schema that this version needs."""

    code = "schema_outdated"
    status = 503
    title = "The database needs a migration"
    permanent = True


def alembic_config() -> Config:
    """Return Alembic's configuration, made here: there is no ini file."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.set_main_option("path_separator", "os")
    return config


@cache
def head_revision() -> str | None:
    """Return the newest revision that this version knows."""
    return ScriptDirectory.from_config(alembic_config()).get_current_head()


async def current_revision(database: Database) -> str | None:
    """Return the revision that the database is at."""
    async with database.engine.connect() as connection:
        return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())


async def upgrade(database: Database, revision: str = "head") -> None:
    """Bring the schema up; of several that come at once, one does it and the others find it done.

    Raises:
        SchemaError: a newer version has been here.
    """

    def run(connection: Connection) -> None:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)

    async with database.engine.execution_options(writes=True).connect() as connection, connection.begin():
        if not database.is_sqlite:
            await connection.execute(text("SET LOCAL statement_timeout = 0"))
            await connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        try:
            await connection.run_sync(run)
        except CommandError as error:
            raise SchemaError(f"This version cannot migrate the database ({error}): is it an older one?") from error


async def prepare_database(database: Database) -> None:
    """Migrate SQLite; refuse to start on any other database that does not answer, or whose schema is too old.

    Raises:
        SchemaError: `fotofila migrate` must run first.
        UnavailableError: the database does not answer; the sentence says why.
    """
    if database.is_sqlite:
        if not is_newer(await current_revision(database)):
            await upgrade(database)
        return
    try:
        await check_schema(database)
    except DatabaseUnavailableError as error:
        raise UnavailableError(error.reason) from error


async def check_schema(database: Database) -> str | None:
    """Return the revision of a database that this version can work on.

    A newer one is taken too, so that replicas of two versions can run side by side during an upgrade: each release
    only adds to what the one before it knows.

    Raises:
        SchemaError: it is too old.
    """
    at, head = await current_revision(database), await asyncio.to_thread(head_revision)
    if at == head:
        return at
    if is_newer(at):
        log.warning("database.newer", revision=at, known=head)
        return at
    raise SchemaError(f"The database is at revision {at or 'none'}, this version needs {head}: run `fotofila migrate`.")


def is_newer(revision: str | None) -> bool:
    """Say whether a revision was made by a version after this one."""
    return revision is not None and revision not in known_revisions()


@cache
def known_revisions() -> frozenset[str]:
    """Return every revision that this version knows."""
    script = ScriptDirectory.from_config(alembic_config())
    return frozenset(revision.revision for revision in script.walk_revisions())
