"""The commands, by name; each is imported when it is called, so that `--help` is quick."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from fotofila import __version__
from fotofila.cli.lazy import Entry, LazyGroup
from fotofila.core.errors import FotofilaError

RUN = "Run it"
PHOTOS = "Photos"
PEOPLE = "Who may use it"
CARE = "Look after it"


def entry(name: str, panel: str, line: str, *, module: str | None = None, app: str = "app") -> Entry:
    """Make an entry; the command is in the file of its name."""
    return Entry(name=name, panel=panel, line=line, app=f"fotofila.cli.commands.{module or name}:{app}")


COMMANDS = (
    entry("serve", RUN, "Answer HTTP and run the pipeline; without --roles, workers too."),
    entry("work", RUN, "Work on photos: needs the queue and storage, and no database."),
    entry("demo", RUN, "Show the whole way of a photo in a temporary folder, and end."),
    entry("analyze", PHOTOS, "Find the faces in photos, without a server."),
    entry("upload", PHOTOS, "Send photos and folders to a server; run it again to go on."),
    entry("faces", PHOTOS, "Who is in a photo: index faces, search, compare, list."),
    entry("collections", PHOTOS, "Collections of faces: list, make, erase, export, import."),
    entry("failures", PHOTOS, "What could not be done, why, and how to try again."),
    entry("keys", PEOPLE, "API keys: make, list, rotate, revoke."),
    entry("users", PEOPLE, "People: add, list, give a password or a sign-in link, remove."),
    entry("audit", CARE, "The audit log: list, export, verify; receipts."),
    entry("doctor", CARE, "Check everything that is needed, and name the mend."),
    entry("models", CARE, "The models: fetch, list, verify."),
    entry("migrate", CARE, "Bring the database to this version's schema."),
    entry("backup", CARE, "Write database, photos and results into one file."),
    entry("restore", CARE, "Bring a backup back into an empty data folder.", module="backup", app="restore_app"),
    entry("openapi", CARE, "Print the OpenAPI document of the HTTP API."),
)


class Commands(LazyGroup):
    """The commands of `fotofila`."""

    entries = COMMANDS


app = typer.Typer(
    name="fotofila",
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def show_version(wanted: bool) -> None:
    """Print the version and end."""
    if wanted:
        typer.echo(f"fotofila {__version__}")
        raise typer.Exit


@app.callback()
def fotofila(
    version: Annotated[  # noqa: FBT002 - a flag
        bool, typer.Option("--version", is_eager=True, callback=show_version, help="Print the version and end.")
    ] = False,
) -> None:
    """A pipeline for photographs: a photo goes in, its faces come out.

    Settings come from FOTOFILA_* variables and from fotofila.toml, the same for every command.
    Start with `fotofila serve --welcome`; `fotofila COMMAND --help` shows an example of each.
    """


def main() -> None:
    """Run a command. Exit codes: 0 done; 1 it ran and something is not right; 2 it could not be asked like that.

    What we raise on purpose is told as a sentence, not as a stack.
    """
    try:
        app(prog_name="fotofila")
    except SystemExit:  # first, so that `--help` does not ask what a wrong setting raises
        raise
    except BaseExceptionGroup as group:
        tell(only_cause(group))
    except (FotofilaError, OSError, settings_errors()) as error:
        tell(error)


def only_cause(error: BaseException) -> BaseException:
    """Return what stopped a group of tasks; the group itself where it was more than one thing."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def tell(error: BaseException) -> None:
    """Tell an error that is meant for people, and end; any other is raised again."""
    match error:
        case FotofilaError():
            tell_error(error.message, code=1)
        case OSError(filename=str(name), strerror=str(why)):
            tell_error(f"{name}: {why}. `fotofila doctor` looks at every folder.", code=1)
        case _ if isinstance(error, settings_errors()):
            tell_error(str(error), code=2)
        case _:
            raise error


def settings_errors() -> type[Exception]:
    """Name what a wrong setting raises; asked only when something was raised, since pydantic takes its time."""
    from fotofila.core.config import SettingsError  # noqa: PLC0415

    return SettingsError


def tell_error(sentence: str, *, code: int) -> None:
    """Print a sentence on standard error and end."""
    typer.secho("fotofila: ", fg="red", nl=False, err=True)
    typer.echo(sentence, err=True)
    sys.exit(code)
