"""Markdown, written the same way on every page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

NOTHING = "-"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; pipes and line breaks in cells are made harmless."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(cell(value) for value in line) + " |" for line in lines)


def cell(value: str) -> str:
    """Return text that fits into one cell; an empty one shows a dash."""
    return " ".join(value.split()).replace("|", "\\|") or NOTHING


def code(value: object) -> str:
    """Return a value as code, or a dash where there is none."""
    text = "" if value is None else str(value)
    return f"`{text}`" if text else NOTHING


def first_line(docstring: str | None) -> str:
    """Return the first line of a docstring."""
    return (docstring or "").strip().partition("\n")[0].strip()
