"""`fotofila backup` and `fotofila restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fotofila.cli.backup.read import restore_from
from fotofila.cli.backup.write import back_up_to
from fotofila.cli.lazy import new_app
from fotofila.cli.options import DataDir, Json, configure_command, settings_with
from fotofila.cli.output import print_json, remark, say
from fotofila.cli.running import run_async

app = new_app()
restore_app = new_app()

Archive = Annotated[Path, typer.Argument(metavar="FILE", help="The backup, a tar file.")]
MIB = 1024 * 1024


@app.command()
def backup(
    file: Archive,
    with_secret_key: Annotated[
        bool, typer.Option("--with-secret-key", help="Put the secret key in; then keep the file as safe as the key.")
    ] = False,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Write database, photos and results into one file.

    The server may go on meanwhile: the database is copied as it is at one moment, the photos after it, so that none
    is missing. PostgreSQL is copied by its own `pg_dump`, which must be installed. The queue is left out: what was on
    its way is sent again after a restore.

    `fotofila backup fotofila-2026-01-31.tar`
    """
    settings = settings_with(data_dir=data_dir)
    configure_command(settings)
    made = run_async(back_up_to(settings, file, with_secret_key=with_secret_key))
    if json:
        print_json({"file": str(file), "members": made.members, "bytes": made.bytes, "revision": made.revision})
        return
    say(f"{file}: {made.members} files, {made.bytes / MIB:.1f} MiB, database at revision {made.revision}.")
    if not with_secret_key:
        remark("The secret key is not in it: keep `secret.key` or FOTOFILA_SECRET_KEY elsewhere, or stored secrets")
        remark("(those of webhooks, for example) must be given anew after a restore.")


@restore_app.command()
def restore(file: Archive, data_dir: DataDir = None, json: Json = False) -> None:
    """Bring a backup back into an empty data folder.

    Every file is checked before anything is put in its place; a folder or a database that holds something is refused.

    `FOTOFILA_DATA_DIR=/srv/fotofila fotofila restore fotofila-2026-01-31.tar`
    """
    settings = settings_with(data_dir=data_dir)
    configure_command(settings)
    made = run_async(restore_from(settings, file))
    if json:
        print_json({"file": str(file), "members": made.members, "bytes": made.bytes, "revision": made.revision})
    else:
        say(f"{made.members} files are back in {settings.data_dir}: `fotofila serve` goes on from there.")
