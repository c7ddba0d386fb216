"""`fotofila migrate`."""

from __future__ import annotations

from fotofila.bootstrap import make_database
from fotofila.cli.database import told_database
from fotofila.cli.lazy import new_app
from fotofila.cli.options import DataDir, Json, configure_command, settings_with
from fotofila.cli.output import print_json, say
from fotofila.cli.running import run_async
from fotofila.core.config import Settings
from fotofila.core.db.migrate import current_revision, upgrade

app = new_app()


@app.command()
def migrate(data_dir: DataDir = None, json: Json = False) -> None:
    """Bring the database to this version's schema.

    SQLite is migrated at every start; any other database when you say so: `fotofila migrate`
    """
    settings = settings_with(data_dir=data_dir)
    configure_command(settings)
    before, after = run_async(bring_up(settings))
    if json:
        print_json({"from": before, "to": after})
    elif before == after:
        say(f"The database is at revision {after}, the newest: nothing to do.")
    else:
        say(f"The database went from {before or 'empty'} to {after}.")


async def bring_up(settings: Settings) -> tuple[str | None, str | None]:
    """Migrate; return the revision before and after."""
    database = make_database(settings)
    try:
        with told_database(database):
            before = await current_revision(database)
            await upgrade(database)
            return before, await current_revision(database)
    finally:
        await database.close()
