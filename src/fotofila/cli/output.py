"""What commands print: results on standard output, progress and remarks on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

OUT = Console(highlight=False)
ERR = Console(stderr=True, highlight=False)
WIDE = 200
"""Characters of a line where the output is no terminal: whoever reads it can cut, but not bring back."""


def write_out(text: str) -> None:
    """Write all of a text: with PYTHONUNBUFFERED a single write may stop at the size of a pipe, and nobody says so."""
    sys.stdout.flush()
    left = memoryview(text.encode())
    while left:
        left = left[sys.stdout.buffer.write(left) :]
    sys.stdout.flush()


def print_json(value: Any) -> None:
    """Print for programs; times are RFC 3339."""
    write_out(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


def say(sentence: str, *, style: str = "") -> None:
    """Print a result for people, without reading markup in it and without breaking its lines."""
    OUT.print(Text(sentence, style=style), soft_wrap=True)


def remark(sentence: str, *, style: str = "") -> None:
    """Print a remark, which is no result."""
    ERR.print(Text(sentence, style=style), soft_wrap=True)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, title: str | None = None) -> None:
    """Print a table; what is no terminal gets it as wide as it needs to be."""
    table = Table(box=SIMPLE_HEAD, title=title, title_justify="left", title_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(Text(column), overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    show_table(table)


def show_table(table: Table) -> None:
    """Print a table that was made."""
    if OUT.is_terminal:
        OUT.print(table)
    else:
        Console(width=max(WIDE, OUT.width), highlight=False).print(table)


def moment(value: datetime | None) -> str:
    """Shape a time in UTC for people."""
    return value.strftime("%Y-%m-%d %H:%M") if value is not None else "-"
