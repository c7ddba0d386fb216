"""`fotofila failures`: the dead letters of the default workspace, on the database itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

import typer
from sqlalchemy import select

from fotofila.cli.database import OWNER, open_context
from fotofila.cli.lazy import new_app
from fotofila.cli.options import DataDir, Json, Yes, configure_command, settings_with
from fotofila.cli.output import moment, print_json, print_table, say
from fotofila.cli.running import run_async
from fotofila.core.config import Settings
from fotofila.core.errors import NotFoundError
from fotofila.core.jobs.models import Failure
from fotofila.library.failure_schemas import FailureFilter, FailureOut, Selection
from fotofila.library.failures import failure_query, history_of, purge_selection, redrive_selection
from fotofila.library.models import Photo

app = new_app()

SHOWN = ("id", "state", "created_at", "code", "sentence", "permanent", "kind", "filename", "photo_id", "job_id")

State = Literal["open", "redriven", "purged"]
Code = Annotated[str | None, typer.Option(help="Only failures of this code.")]
From = Annotated[datetime | None, typer.Option("--from", help="Not before this time, in UTC.")]
To = Annotated[datetime | None, typer.Option("--to", help="Before this time, in UTC.")]
All = Annotated[bool, typer.Option("--all", help="Every open failure that the filter finds.")]
Cap = Annotated[int, typer.Option(min=1, max=100_000, help="Most failures that a filter may take.")]
Ids = Annotated[list[str] | None, typer.Argument(metavar="ID", help="Failures by id.")]


@app.callback()
def failures() -> None:
    """What could not be done, why, and how to try again.

    They work on the database itself, with or without a server beside them.
    """


@app.command("list")
def list_some(
    state: Annotated[State | None, typer.Option(help="Only failures in this state.")] = "open",
    code: Code = None,
    since: From = None,
    until: To = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Most failures to show.")] = 50,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Show failures, newest first.

    `fotofila failures list --code truncated_image --from 2026-01-31`
    """
    found = run_async(load_failures(prepare(data_dir), wanted(code, since, until), state, limit))
    if json:
        print_json([shape(failure, name) for failure, name in found])
    elif not found:
        say(f"There is no {state or ''} failure.".replace("  ", " "))
    else:
        rows = [
            (failure.id, moment(failure.created_at), failure.code, name or "-", failure.sentence)
            for failure, name in found
        ]
        print_table(("Id", "When", "Code", "Photo", "Why"), rows)


@app.command()
def show(
    failure: Annotated[str, typer.Argument(metavar="ID", help="The failure.")],
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Show everything that explains a failure: sentence, history, message, stack.

    `fotofila failures show 0197a3c2e5d07c3b8f1e2d3c4b5a6978`
    """
    found = run_async(load_failure(prepare(data_dir), failure))
    if json:
        print_json(found)
        return
    for name in SHOWN:
        value = "-" if found[name] is None else found[name]
        say(f"{name.replace('_', ' ').capitalize():12}{value}")
    rows = [
        (str(old["round"]), str(old["attempt"]), old["code"], old["state"], str(old["created_at"]))
        for old in found["history"]
    ]
    print_table(("Round", "Attempt", "Code", "State", "When"), rows, title="History of its job")
    say(found["stack"] or "There is no stack: nothing of ours raised it.")


@app.command()
def redrive(
    ids: Ids = None,
    everything: All = False,
    code: Code = None,
    since: From = None,
    until: To = None,
    cap: Cap = 1000,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Start a new round of the jobs of failures.

    One: `fotofila failures redrive 0197a3c2e5d07c3b8f1e2d3c4b5a6978`

    Many: `fotofila failures redrive --all --code timed_out --cap 500`
    """
    chosen = selection(ids, everything=everything, filter_=wanted(code, since, until), cap=cap)
    started, skipped = run_async(redrive_chosen(prepare(data_dir), chosen))
    if json:
        print_json({"redriven": started, "skipped": skipped})
    else:
        say(f"{started} redriven, {skipped} skipped (not open, or not there).")


@app.command()
def purge(
    ids: Ids = None,
    everything: All = False,
    code: Code = None,
    since: From = None,
    until: To = None,
    cap: Cap = 1000,
    yes: Yes = False,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Put failures out of sight; photos, jobs and their history stay.

    `fotofila failures purge --all --code truncated_image --to 2026-01-31`
    """
    chosen = selection(ids, everything=everything, filter_=wanted(code, since, until), cap=cap)
    if not yes:
        typer.confirm("Put these failures out of sight?", abort=True)
    purged = run_async(purge_chosen(prepare(data_dir), chosen))
    if json:
        print_json({"purged": purged})
    else:
        say(f"{purged} purged.")


def prepare(data_dir: object) -> Settings:
    """Read the settings."""
    settings = settings_with(data_dir=data_dir)
    configure_command(settings)
    return settings


def wanted(code: str | None, since: datetime | None, until: datetime | None) -> FailureFilter:
    """Make the filter."""
    return FailureFilter.model_validate({"code": code, "from": since, "to": until})


def selection(ids: list[str] | None, *, everything: bool, filter_: FailureFilter, cap: int) -> Selection:
    """Say which failures are meant: some by id, or all of a filter, and never all by accident."""
    if bool(ids) == everything:
        raise typer.BadParameter("name failures by id, or give --all, with --code, --from and --to to narrow it down.")
    return Selection(ids=ids) if ids else Selection(filter=filter_, cap=cap)


def shape(failure: Failure, filename: str | None) -> dict[str, Any]:
    """Shape a failure for programs."""
    return {**FailureOut.model_validate(failure).model_dump(mode="json"), "filename": filename}


async def load_failures(
    settings: Settings, filter_: FailureFilter, state: State | None, limit: int
) -> Sequence[tuple[Failure, str | None]]:
    """Return failures with the names of their photos."""
    query = failure_query(OWNER, filter_).limit(limit).outerjoin(Photo, Photo.id == Failure.photo_id)
    if state is not None:
        query = query.where(Failure.state == state)
    async with open_context(settings) as context, context.db.read() as session:
        rows = await session.execute(query.add_columns(Photo.filename))
        return [(row[0], row[1]) for row in rows]


async def load_failure(settings: Settings, failure_id: str) -> dict[str, Any]:
    """Return one failure with all that is known of it.

    Raises:
        NotFoundError: there is none.
    """
    query = select(Failure).where(Failure.id == failure_id, Failure.owner == OWNER)
    async with open_context(settings) as context, context.db.read() as session:
        failure = await session.scalar(query)
        if failure is None:
            raise NotFoundError(f"There is no failure {failure_id!r}: `fotofila failures list` shows them.")
        photo = await session.get(Photo, failure.photo_id) if failure.photo_id else None
        history = [FailureOut.model_validate(old).model_dump(mode="json") for old in await history_of(session, failure)]
        told = shape(failure, photo.filename if photo else None)
        return {**told, "stack": failure.stack, "payload": failure.payload, "history": history}


async def redrive_chosen(settings: Settings, chosen: Selection) -> tuple[int, int]:
    """Redrive; return how many started, and how many did not."""
    async with open_context(settings) as context:
        return await redrive_selection(context, OWNER, chosen)


async def purge_chosen(settings: Settings, chosen: Selection) -> int:
    """Purge; return how many."""
    async with open_context(settings) as context, context.db.write() as session:
        return await purge_selection(session, OWNER, chosen)
