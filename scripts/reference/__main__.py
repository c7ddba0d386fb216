"""`python -m scripts.reference` writes the pages; with `--check` it only says whether they are current."""

from __future__ import annotations

import os
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "reference"


def main() -> int:
    """Write, or compare; returns the exit code."""
    for name in [name for name in os.environ if name.startswith("FOTOFILA_")]:
        del os.environ[name]  # the reference tells of the program, not of this machine
    os.environ["FOTOFILA_CONFIG"] = os.devnull
    from scripts.reference.pages import render_all, stale  # noqa: PLC0415 - settings are read from here on

    rendered = render_all()
    if "--check" in sys.argv[1:]:
        wrong = stale(FOLDER, rendered)
        if wrong:
            sys.stderr.write(f"Not current: {', '.join(wrong)}. Run `make docs` and commit what it writes.\n")
        return 1 if wrong else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in rendered.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
