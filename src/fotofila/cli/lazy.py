"""A group of commands that are imported when they are called: `--help` names them without loading any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from fotofila.core.capability import load


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A command: its name, the line that `--help` shows, the panel it stands in, and where its Typer app is."""

    name: str
    line: str
    panel: str
    app: str


class LazyGroup(TyperGroup):
    """Stands for its commands by stubs; the one that is called is loaded then."""

    entries: Sequence[Entry] = ()

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for entry in self.entries:
            self.commands[entry.name] = TyperCommand(entry.name, help=entry.line, rich_help_panel=entry.panel)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that is called, and load it."""
        name, stub, rest = super().resolve_command(ctx, args)
        found = next((entry for entry in self.entries if entry.name == name), None)
        return name, load_command(found) if found is not None else stub, rest


def load_command(entry: Entry) -> Any:
    """Import a command."""
    command = typer.main.get_command(load(entry.app))
    command.name = entry.name
    return command


def new_app() -> typer.Typer:
    """Make the Typer app of a command's file."""
    return typer.Typer(
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
