"""The commands, by name; what a command needs is imported when it runs, so that `--help` is quick."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from fotofila.core.config import SettingsError
from fotofila.core.errors import FotofilaError

app = typer.Typer(
    name="fotofila",
    help="A pipeline for photographs: faces, history, notifications, from one command.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

DataDir = Annotated[Path | None, typer.Option("--data-dir", help="Folder of everything that is kept.")]


def main() -> None:
    """Run; what we raise on purpose is a sentence, not a stack."""
    try:
        app()
    except (SettingsError, FotofilaError) as error:
        Console(stderr=True).print(f"[red]fotofila:[/red] {error}", highlight=False, soft_wrap=True)
        sys.exit(2)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")] = None,
    data_dir: DataDir = None,
    roles: Annotated[str | None, typer.Option(help="Roles of this process, comma separated; all without it.")] = None,
    workers: Annotated[int | None, typer.Option(help="Children per worker; 0: one per CPU.")] = None,
    welcome: Annotated[bool, typer.Option(help="Show a first photo, a sign-in link and a key.")] = False,  # noqa: FBT002
) -> None:
    """Answer HTTP and run the pipeline; without `--roles` with workers beside it, all in one."""
    from fotofila.cli.options import configure_process, settings_with  # noqa: PLC0415
    from fotofila.cli.serve import serve as run  # noqa: PLC0415

    settings = settings_with(host=host, port=port, data_dir=data_dir, workers=workers)
    configure_process(settings, service="fotofila-serve")
    on_ready = None
    if welcome:
        from fotofila.cli.welcome import welcome_visitor  # noqa: PLC0415

        on_ready = welcome_visitor
    wanted = frozenset(part.strip() for part in roles.split(",") if part.strip()) if roles else None
    run_async(run(settings, roles=wanted, with_workers=roles is None, on_ready=on_ready))


@app.command()
def work(
    data_dir: DataDir = None,
    workers: Annotated[int | None, typer.Option(help="Children that touch images; 0: one per CPU.")] = None,
    lanes: Annotated[str | None, typer.Option(help="Lanes to receive from, comma separated.")] = None,
    parent_pid: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Work: needs the queue and storage, and no database."""
    from fotofila.cli.options import configure_process, settings_with  # noqa: PLC0415
    from fotofila.cli.work import work as run  # noqa: PLC0415
    from fotofila.worker.limits import die_with_parent  # noqa: PLC0415

    if parent_pid is not None:
        die_with_parent(parent_pid)
    settings = settings_with(data_dir=data_dir, workers=workers, worker_lanes=lanes)
    configure_process(settings, service="fotofila-work")
    run_async(run(settings))


def run_async(coroutine: object) -> None:
    """Run on uvloop where there is one."""
    if os.name == "posix":
        import uvloop  # noqa: PLC0415

        uvloop.run(coroutine)  # type: ignore[arg-type]
    else:
        asyncio.run(coroutine)  # type: ignore[arg-type]
