from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from fotofila.bootstrap import load_capabilities, load_tables
from fotofila.core.config import Settings, load_settings
from fotofila.core.db import Base, Database
from fotofila.core.db.migrate import alembic_config, current_revision, head_revision, prepare_database, upgrade

DEFAULT = Settings.model_fields["capabilities"].default


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    load_tables(load_capabilities(load_settings(capabilities=DEFAULT, data_dir=tmp_path).capabilities))
    database = Database(f"sqlite:///{tmp_path / 'test.db'}")
    yield database
    await database.close()


async def test_first_start_makes_the_schema_that_the_models_declare(database: Database) -> None:
    await prepare_database(database)
    assert await current_revision(database) == head_revision()

    def differences(connection: Connection) -> Any:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        return compare_metadata(context, Base.metadata)

    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_preparing_twice_and_at_once_changes_nothing(database: Database, tmp_path: Path) -> None:
    others = [Database(f"sqlite:///{tmp_path / 'test.db'}") for _ in range(4)]
    await asyncio.gather(*(prepare_database(each) for each in (database, *others)))
    assert await current_revision(database) == head_revision()
    for other in others:
        await other.close()


async def test_migrations_run_down_and_up_again(database: Database) -> None:
    await upgrade(database)

    def down(connection: Connection) -> None:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.downgrade(config, "base")

    async with database.engine.execution_options(writes=True).connect() as connection, connection.begin():
        await connection.run_sync(down)
        left = (await connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'"))).scalars().all()
    assert set(left) <= {"alembic_version", "sqlite_sequence"}
    await upgrade(database)
    assert await current_revision(database) == head_revision()


def test_revisions_are_one_line() -> None:
    script = ScriptDirectory.from_config(alembic_config())
    assert len(script.get_heads()) == 1
    assert all(not isinstance(revision.down_revision, tuple) for revision in script.walk_revisions())
