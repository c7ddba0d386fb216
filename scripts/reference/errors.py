"""The page of error codes, from the subclasses of FotofilaError."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pkgutil import walk_packages

import fotofila
from fotofila.core.errors import FotofilaError
from fotofila.core.jobs.backoff import POLICIES
from scripts.reference.tables import NOTHING, code, first_line, table

INTRO = """\
A code is for programs and never changes its meaning; the sentence beside it is for people and may. Codes appear as
`code` in problem answers ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)), in `job.error`, in failures, in reports
and in `fotofila failures`. **Permanent** means that the same bytes or the same request will fail again, so no further
attempt is made and no redrive policy can be set for it. A transient error of an execution is tried again after a wait
that its **back-off** names, until the attempts are used up.
"""
BACKOFF = """\
Waits are drawn evenly between the floor and `base * factor ** (attempt - 1)`, at most the cap (full jitter), and
multiplied by `FOTOFILA_RETRY_SCALE`.
"""
AREAS = (
    ("fotofila.core.images", "Pictures"),
    ("fotofila.faces", "Faces and models"),
    ("fotofila.core.inference", "Faces and models"),
    ("fotofila.worker", "Executions"),
    ("fotofila.core.jobs", "Messages and kinds"),
    ("fotofila.core.capability", "Messages and kinds"),
    ("fotofila.notify", "Notifications"),
    ("fotofila.access", "Access"),
    ("fotofila.cli", "Commands"),
    ("fotofila", "Requests, storage, database"),
)
TOLD = {
    "workers_died": "Every worker that took the message died while working on it (`FOTOFILA_MAX_DELIVERIES` times).",
    "result_not_applied": "The work was done, but its result could not be written down: see the log of `feedback`.",
    "snoozed": "In the timeline only: the job could not be worked on here and now, at no cost.",
    "worker_stopped": "In the timeline only: the worker was stopped in the middle; another goes on, at no cost.",
    "method_not_allowed": "The address does not take that method; the header `Allow` says which ones it takes (405).",
}
"""Codes that no class stands for."""
MEANINGS = {
    "internal_error": "A fault of ours; the request id in the sentence finds it in the log.",
    "invalid_image": "The picture cannot be used, for a reason that has no code of its own.",
}
"""Of base classes, whose docstrings speak to programmers."""
_SKIPPED = ("fotofila.testing", "fotofila.core.db.migrations")


def page() -> str:
    """Return the page."""
    parts = ["# Error codes", INTRO.rstrip()]
    found = list(every())
    for area in dict.fromkeys(area for _, area in AREAS):
        rows = [row(error) for error in found if area_of(error) == area]
        if rows:
            parts += [f"## {area}", table(("Code", "HTTP", "Permanent", "Back-off", "What it means"), rows)]
    told = [(code(name), meaning) for name, meaning in TOLD.items()]
    parts += ["## Codes without an error of their own", table(("Code", "What it means"), told)]
    parts += ["## Back-off", BACKOFF.rstrip(), backoff_table()]
    return "\n\n".join(parts)


def every() -> Iterator[type[FotofilaError]]:
    """Give every error that has a code of its own, in order of codes."""
    for module in walk_packages(fotofila.__path__, "fotofila."):
        if not module.name.startswith(_SKIPPED) and not module.name.endswith("__main__"):
            import_module(module.name)
    yield from sorted({error for error in family(FotofilaError) if "code" in vars(error)}, key=lambda e: e.code)


def family(error: type[FotofilaError]) -> Iterator[type[FotofilaError]]:
    """Give an error and its descendants, those of tests left out."""
    if not error.__module__.startswith("fotofila.testing") and error.__module__.startswith("fotofila"):
        yield error
    for child in error.__subclasses__():
        yield from family(child)


def area_of(error: type[FotofilaError]) -> str:
    """Return the heading that an error belongs under."""
    return next(area for prefix, area in AREAS if error.__module__.startswith(prefix))


def row(error: type[FotofilaError]) -> tuple[str, ...]:
    """Return the cells of one error."""
    answers = error.status != FotofilaError.status or error is FotofilaError
    attempts = f", {error.max_attempts} attempts" if error.max_attempts is not None else ""
    backoff = NOTHING if error.permanent else f"`{error.retry_class}`{attempts}"
    permanent = "yes" if error.permanent else "no"
    meaning = MEANINGS.get(error.code) or first_line(error.__doc__)
    return code(error.code), str(error.status) if answers else NOTHING, permanent, backoff, meaning


def backoff_table() -> str:
    """Return the table of waits."""
    rows = [
        (
            code(name),
            f"{policy.floor_seconds:g} s",
            f"{policy.base_seconds:g} s",
            f"{policy.factor:g}",
            f"{policy.cap_seconds:g} s",
        )
        for name, policy in POLICIES.items()
    ]
    return table(("Back-off", "Floor", "Base", "Factor", "Cap"), rows)
