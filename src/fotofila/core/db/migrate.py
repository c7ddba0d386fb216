"""Migrations: on SQLite they run by themselves at the start; elsewhere a start on an old schema is refused."""

from __future__ import annotations

import asyncio
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from fotofila.core.db.engine import Database
from fotofila.core.errors import FotofilaError

FOLDER = Path(__file__).parent / "migrations"


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


def head_revision() -> str | None:
    """Return the newest revision that this version knows."""
    return ScriptDirectory.from_config(alembic_config()).get_current_head()


async def current_revision(database: Database) -> str | None:
    """Return the revision that the database is at."""
    async with database.engine.connect() as connection:
        return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())


async def upgrade(database: Database, revision: str = "head") -> None:
    """Bring the schema up."""

    def run(connection: Connection) -> None:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)

    async with database.engine.execution_options(writes=True).connect() as connection, connection.begin():
        await connection.run_sync(run)


async def prepare_database(database: Database) -> None:
    """Migrate SQLite; refuse to start on any other database that is not at the newest revision.

    Raises:
        SchemaError: `fotofila migrate` must run first.
    """
    if database.is_sqlite:
        await upgrade(database)
        return
    at, head = await current_revision(database), await asyncio.to_thread(head_revision)
    if at != head:
        raise SchemaError(f"The database is at revision {at or 'none'}, this version needs {head}: fotofila migrate.")
