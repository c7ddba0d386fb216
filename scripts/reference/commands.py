"""The page of commands, from the command line itself."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import typer

from fotofila.cli.app import COMMANDS, app
from fotofila.cli.lazy import load_command
from scripts.reference.tables import code, table

INTRO = """\
`fotofila COMMAND --help` says the same. Commands print results on standard output and remarks on standard error; with
`--json` the result is JSON. Exit codes: 0 done; 1 it ran and something is not right; 2 it could not be asked like that.
Commands read the [settings](settings.md); `--data-dir` is `FOTOFILA_DATA_DIR`.
"""


def page() -> str:
    """Return the page."""
    parts = ["# Commands", INTRO.rstrip()]
    overview = [(f"[`fotofila {entry.name}`](#fotofila-{entry.name})", entry.line) for entry in COMMANDS]
    parts.append(table(("Command", "What it does"), overview))
    for entry in COMMANDS:
        for path, command in walk((entry.name,), load_command(entry)):
            parts += section(path, command)
    return "\n\n".join(parts)


def walk(path: tuple[str, ...], command: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Give a command and those below it."""
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from walk((*path, name), child)


def section(path: tuple[str, ...], command: Any) -> Iterator[str]:
    """Give the paragraphs of one command."""
    yield f"{'#' * (1 + len(path))} fotofila {' '.join(path)}"
    if command.help:
        yield inspect.cleandoc(command.help.replace("\b", "")).strip()
    rows = [row(parameter) for parameter in command.params if shown(parameter)]
    if rows:
        yield table(("Option", "Default", "What it does"), rows)


def shown(parameter: Any) -> bool:
    """Say whether a person is told of a parameter."""
    return not getattr(parameter, "hidden", False) and parameter.name not in {"help", "install_completion"}


def row(parameter: Any) -> tuple[str, str, str]:
    """Return the cells of one option or argument."""
    if parameter.param_type_name == "argument":
        name = code(parameter.metavar or parameter.name.upper())
        return name, "required" if parameter.required else "", getattr(parameter, "help", "") or ""
    name = ", ".join(code(option) for option in (*parameter.opts, *parameter.secondary_opts))
    return name, default_of(parameter), parameter.help or ""


def default_of(parameter: Any) -> str:
    """Write a default; flags that are off and options that are not given have none."""
    value = parameter.default
    plain = value is not None and not callable(value) and not parameter.is_flag and "Sentinel" not in repr(value)
    return code(value) if plain and value not in ((), [], "") else ""


def names() -> list[str]:
    """Return every command as it is typed, without `fotofila`."""
    root = typer.main.get_command(app)
    assert set(getattr(root, "commands", {})) == {entry.name for entry in COMMANDS}  # noqa: S101 - one list
    return [" ".join(path) for entry in COMMANDS for path, _ in walk((entry.name,), load_command(entry))]
