"""Databases with the tables of the newest schema, of both kinds."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from fotofila.bootstrap import load_capabilities, load_tables
from fotofila.core.config import Settings
from fotofila.core.db import Base, Database
from fotofila.core.db.migrate import upgrade

TEMPLATE = "fotofila_template"


def migrate(url: str) -> None:
    """Bring a database to the newest schema, the way that operators do."""

    async def run() -> None:
        database = Database(url)
        await upgrade(database)
        await database.close()

    with ThreadPoolExecutor(1) as thread:  # a fixture may be asked for inside of a loop
        thread.submit(lambda: asyncio.run(run())).result()


async def make_tables(database: Database) -> None:
    """Make the tables of every built-in capability where there are none."""
    if not database.is_sqlite:
        return  # the template has them
    load_tables(load_capabilities(Settings.model_fields["capabilities"].default))
    async with database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
