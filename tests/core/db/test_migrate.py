from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, select, text

from fotofila.bootstrap import load_capabilities, load_tables
from fotofila.core.config import Settings
from fotofila.core.db import Base, Database
from fotofila.core.db.migrate import (
    SchemaError,
    alembic_config,
    check_schema,
    current_revision,
    head_revision,
    prepare_database,
    upgrade,
)
from tests.core.db.seeds import add_rows, counts, reflected

T = TypeVar("T")

PREVIOUS = "0001"
"""Newest revision of the release before this one: its programs must go on working while a new one is rolled out."""


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'test.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
async def database(empty_url: str) -> AsyncIterator[Database]:
    load_tables(load_capabilities(Settings.model_fields["capabilities"].default))
    database = Database(empty_url)
    yield database
    await database.close()


async def run(database: Database, work: Callable[..., T], *arguments: Any, **options: Any) -> T:
    """Run something in a transaction of its own."""
    async with database.engine.execution_options(writes=True).connect() as connection, connection.begin():
        return await connection.run_sync(work, *arguments, **options)


async def downgrade(database: Database, revision: str) -> None:
    def down(connection: Connection) -> None:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.downgrade(config, revision)

    await run(database, down)


def revisions() -> list[str]:
    """Return every revision, oldest first."""
    return [each.revision for each in ScriptDirectory.from_config(alembic_config()).walk_revisions()][::-1]


async def test_migrations_make_the_schema_that_the_models_declare(database: Database) -> None:
    await upgrade(database)
    assert await current_revision(database) == head_revision()

    def differences(connection: Connection) -> Any:
        # SQLite keeps no types that could be compared.
        context = MigrationContext.configure(connection, opts={"compare_type": not database.is_sqlite})
        return compare_metadata(context, Base.metadata)

    assert await run(database, differences) == []


async def test_migrating_twice_and_at_once_changes_nothing(database: Database) -> None:
    others = [Database(database.url) for _ in range(4)]
    await asyncio.gather(*(upgrade(each) for each in (database, *others)))
    await prepare_database(database)
    assert await current_revision(database) == head_revision()
    for other in others:
        await other.close()


async def test_migrations_run_up_and_down_with_rows_in_every_table(database: Database) -> None:
    for number, revision in enumerate(revisions(), start=1):
        await upgrade(database, revision)
        metadata = await run(database, reflected)
        await run(database, add_rows, metadata, number)
    full = await run(database, counts, metadata)
    assert set(full) == {table.name for table in Base.metadata.sorted_tables}
    assert all(full.values())
    for revision in revisions()[-2::-1]:
        await downgrade(database, revision)
        metadata = await run(database, reflected)
        kept = await run(database, counts, metadata)
        assert kept == {name: full[name] for name in kept}
        await run(database, add_rows, metadata, 1000 + int(revision))
        full = await run(database, counts, metadata)
    await upgrade(database)
    metadata = await run(database, reflected)
    after = await run(database, counts, metadata)
    assert {name: after[name] for name in full} == full
    await downgrade(database, "base")
    assert (await run(database, reflected)).sorted_tables == []
    await upgrade(database)


async def test_values_come_through_every_migration_unchanged(database: Database) -> None:
    await upgrade(database, revisions()[0])
    old = await run(database, reflected)
    await run(database, add_rows, old, 1)
    before = await run(database, everything, old)
    await upgrade(database)
    assert await run(database, everything, old) == before


def everything(connection: Connection, metadata: MetaData) -> dict[str, list[dict[str, Any]]]:
    return {
        table.name: [dict(each._mapping) for each in connection.execute(select(table))]
        for table in metadata.sorted_tables
    }


async def test_previous_release_works_on_the_new_schema(database: Database) -> None:
    """Its statements name its columns: they are run with the tables as it knew them."""
    await upgrade(database, PREVIOUS)
    old = await run(database, reflected)
    await upgrade(database)
    await run(database, add_rows, old, 1)
    await run(database, add_rows, old, 2, whole=False)
    assert set((await run(database, counts, old)).values()) == {2}

    def change(connection: Connection) -> None:
        for table in reversed(old.sorted_tables):
            key = next(iter(table.primary_key.columns))
            first = connection.execute(select(key).order_by(key).limit(1)).scalar_one()
            plain = [column.name for column in table.columns if not column.primary_key and not column.foreign_keys]
            values = dict(connection.execute(select(table).where(key == first)).one()._mapping)
            connection.execute(table.update().where(key == first).values({name: values[name] for name in plain}))
            connection.execute(table.delete().where(key == first))

    await run(database, change)
    assert set((await run(database, counts, old)).values()) <= {0, 1}


async def test_newer_schema_is_worked_on_and_older_is_refused(database: Database) -> None:
    await upgrade(database, PREVIOUS)
    with pytest.raises(SchemaError, match="this version needs"):
        await check_schema(database)
    await upgrade(database)
    async with database.write() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = 'f00d'"))
    assert await check_schema(database) == "f00d"
    await prepare_database(database)
    with pytest.raises(SchemaError, match="older"):
        await upgrade(database)


async def test_server_does_not_migrate_a_shared_database_by_itself(postgres_url: str) -> None:
    database = Database(postgres_url)
    with pytest.raises(SchemaError, match="run `fotofila migrate`"):
        await prepare_database(database)
    await database.close()


def test_revisions_are_one_line() -> None:
    script = ScriptDirectory.from_config(alembic_config())
    assert len(script.get_heads()) == 1
    assert all(not isinstance(revision.down_revision, tuple) for revision in script.walk_revisions())
