"""`fotofila serve`."""

from __future__ import annotations

from typing import Annotated

import typer

from fotofila.cli.lazy import new_app
from fotofila.cli.options import DataDir, configure_process, settings_with
from fotofila.cli.running import run_async
from fotofila.cli.serve import Ready
from fotofila.cli.serve import serve as run

app = new_app()


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")] = None,
    data_dir: DataDir = None,
    roles: Annotated[str | None, typer.Option(help="Roles of this process, comma separated; all without it.")] = None,
    workers: Annotated[int | None, typer.Option(help="Children per worker; 0: one per CPU.")] = None,
    welcome: Annotated[
        bool, typer.Option("--welcome", help="Show a first photo, a sign-in link and, once, a key.")
    ] = False,
) -> None:
    """Answer HTTP and run the pipeline; without --roles, workers too.

    One machine: `fotofila serve`

    Several: `fotofila serve --roles api`, `fotofila serve --roles relay,feedback,failures,reconciler,sweeper,notify`,
    and `fotofila work` as often as there is work.
    """
    settings = settings_with(host=host, port=port, data_dir=data_dir, workers=workers)
    configure_process(settings, service="fotofila-serve")
    on_ready: Ready | None = None
    if welcome:
        from fotofila.cli.welcome import welcome_visitor  # noqa: PLC0415 - an HTTP client and tables, for this alone

        on_ready = welcome_visitor
    wanted = frozenset(part.strip() for part in roles.split(",") if part.strip()) if roles else None
    run_async(run(settings, roles=wanted, with_workers=roles is None, on_ready=on_ready))
