"""`fotofila work`."""

from __future__ import annotations

from typing import Annotated

import typer

from fotofila.cli.lazy import new_app
from fotofila.cli.options import DataDir, configure_process, settings_with
from fotofila.cli.running import run_async
from fotofila.cli.work import work as run
from fotofila.worker.limits import die_with_parent

app = new_app()


@app.command()
def work(
    data_dir: DataDir = None,
    workers: Annotated[int | None, typer.Option(help="Children that touch images; 0: one per CPU.")] = None,
    lanes: Annotated[str | None, typer.Option(help="Lanes to receive from, comma separated.")] = None,
    parent_pid: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Work on photos: needs the queue and storage, and no database.

    Beside a server: `fotofila work --workers 4`

    For large batches only: `fotofila work --lanes process.bulk`
    """
    if parent_pid is not None:
        die_with_parent(parent_pid)
    settings = settings_with(data_dir=data_dir, workers=workers, worker_lanes=lanes)
    configure_process(settings, service="fotofila-work")
    run_async(run(settings))
