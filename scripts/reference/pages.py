"""The pages, by file name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from scripts.reference import commands, errors, metrics, models, pipeline, rekognition, routes, settings

PAGES: Mapping[str, Callable[[], str]] = {
    "settings.md": settings.page,
    "commands.md": commands.page,
    "http-api.md": routes.page,
    "events.md": pipeline.events_page,
    "errors.md": errors.page,
    "job-kinds.md": pipeline.kinds_page,
    "roles.md": pipeline.roles_page,
    "metrics.md": metrics.page,
    "models.md": models.page,
    "rekognition.md": rekognition.page,
}
NOTE = "<!-- Made from the code by `make docs`: change the code, not this page. -->"


def render_all() -> dict[str, str]:
    """Return the text of every page."""
    return {name: f"{NOTE}\n\n{page()}\n" for name, page in PAGES.items()}


def stale(folder: Path, rendered: Mapping[str, str]) -> list[str]:
    """Return the names of pages that are missing or differ, and of files that no page stands for."""
    written = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.md")}
    return sorted(name for name in {*written, *rendered} if written.get(name) != rendered.get(name))
