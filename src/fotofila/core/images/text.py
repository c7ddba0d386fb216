"""Words out of files: never longer than asked, never with anything in them that does not print."""

from __future__ import annotations

import unicodedata


def clean_text(value: str, *, max_length: int) -> str | None:
    """Return the text on one line, without control, format and private characters; None where nothing is left."""
    kept = "".join(" " if char.isspace() else char for char in value if char.isspace() or _prints(char))
    return " ".join(kept.split())[:max_length].strip() or None


def _prints(char: str) -> bool:
    return not unicodedata.category(char).startswith("C")
