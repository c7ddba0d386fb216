"""How alike faces are, for people: a number, a bar, and what it means in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from fotofila.cli.output import remark, say, show_table

WORDS = ((99.0, "very likely the same person"), (95.0, "probably the same person"), (80.0, "may be the same person"))
OTHERWISE = "probably somebody else"
BAR_CELLS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of the table: who or what it is, and how alike, 0-100."""

    cells: tuple[str, ...]
    similarity: float


def meaning(similarity: float) -> str:
    """Say in words what a similarity means; the rates behind it are in docs/explanation."""
    return next((words for least, words in WORDS if similarity >= least), OTHERWISE)


def floor_tenth(similarity: float) -> str:
    """Shape a similarity: cut, not rounded, since 98.97 is not yet what 99 promises."""
    return f"{int(similarity * 10) / 10:.1f}"


def show_rows(columns: Iterable[str], rows: Iterable[Row]) -> None:
    """Print rows with their similarity, as they come."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    table.add_column("Similarity", justify="right")
    table.add_column("")
    table.add_column("Means", overflow="fold")
    for row in rows:
        filled = round(row.similarity / 100 * BAR_CELLS)
        bar = Text("█" * filled + "░" * (BAR_CELLS - filled))
        table.add_row(*map(Text, row.cells), floor_tenth(row.similarity), bar, meaning(row.similarity))
    show_table(table)


def show_comparison(found: Mapping[str, Any], *, source: str, target: str, threshold: float) -> None:
    """Print how every face of a photo compares."""
    matches = found["matches"]
    matched = sum(match["similarity"] >= threshold for match in matches)
    faces = "1 face" if len(matches) == 1 else f"{len(matches)} faces"
    say(f"{source}, face {found['source']['number']}, and {faces} of {target}: {matched} alike.", style="bold")
    if matches:
        rows = (Row(cells=(f"Face {match['number']}",), similarity=match["similarity"]) for match in matches)
        show_rows(("From the left",), rows)


def show_search(found: Mapping[str, Any]) -> None:
    """Print who is like each face of a photo."""
    for face in found["faces"]:
        matches, name = face["matches"], f"{found['photo']}, face {face['face']['number']} from the left"
        if not matches:
            say(f"{name}: nobody is alike enough.", style="bold")
            continue
        say(f"{name}:", style="bold")
        columns = ("File", "Face") if "file" in matches[0] else ("Who", "Face")
        show_rows(columns, (Row(cells=who(match), similarity=match["similarity"]) for match in matches))
    for error in found["errors"]:
        remark(f"{error['file']}: {error['sentence']}", style="red")


def who(match: Mapping[str, Any]) -> tuple[str, str]:
    """Name a face: by its file and place, or by what a collection knows of it."""
    if "file" in match:
        return match["file"], str(match["number"])
    return match["user_id"] or match["external_image_id"] or "-", match["face_id"]
