"""`fotofila collections model`: another model for a collection."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated, Any

import typer

from fotofila.access.audit import OPERATOR
from fotofila.cli.database import OWNER, open_context
from fotofila.cli.options import DataDir, Json, Yes, configure_command, settings_with
from fotofila.cli.output import ERR, print_json, print_table, say
from fotofila.cli.running import run_async
from fotofila.core.capability import Context
from fotofila.core.config import Settings
from fotofila.core.errors import InvalidInputError
from fotofila.faces.collections import remodel, remodel_compare, remodel_loop
from fotofila.faces.collections.remodel import LeftBehindFace, NoRemodelError, RemodelInfo
from fotofila.faces.collections.remodel_compare import Comparison

MOST = 1_000_000

Answer = RemodelInfo | Comparison | tuple[LeftBehindFace, ...] | None


class Step(StrEnum):
    """What is done, in the order in which it is."""

    START = "start"
    STATUS = "status"
    EMBED = "embed"
    LEFT_BEHIND = "left-behind"
    COMPARE = "compare"
    SWITCH = "switch"
    ROLL_BACK = "roll-back"
    FINISH = "finish"
    ABANDON = "abandon"


def model(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The collection.")],
    step: Annotated[Step, typer.Argument(metavar="STEP", help=" | ".join(Step))] = Step.STATUS,
    to: Annotated[str | None, typer.Option("--to", help="start: the other model.")] = None,
    anyway: Annotated[bool, typer.Option("--anyway", help="switch: although faces are left to embed.")] = False,
    drop_left_behind: Annotated[
        bool, typer.Option("--drop-left-behind", help="finish: faces that cannot follow are not found any more.")
    ] = False,
    yes: Yes = False,
    queries: Annotated[int, typer.Option(min=1, max=1000, help="compare: faces to search.")] = 200,
    workspace: Annotated[str, typer.Option(help="Id of the workspace; the first one without it.")] = OWNER,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Change the model of a collection; no picture is asked for again, and searches go on.

    `fotofila collections model visitors start --to edgeface-s-gamma05-2023`
    A server embeds in the background; `embed` does it here and now. Then: `compare`, `switch`, and `roll-back` or
    `finish`. `abandon` ends a change that was not switched. `finish --drop-left-behind` gives up faces that cannot
    follow, after listing them.
    """
    settings = settings_with(data_dir=data_dir)
    configure_command(settings)
    if (step is Step.START) != (to is not None):
        raise InvalidInputError("Write the other model as `start --to MODEL`: `fotofila models list` names them.")
    if drop_left_behind and step is not Step.FINISH:
        raise InvalidInputError("Write `finish --drop-left-behind`: no other step takes it.")
    drop = ask_about_left_behind(settings, workspace, name, yes=yes) if drop_left_behind else None
    answer = run_async(take(settings, workspace, name, step, to=to or "", anyway=anyway, drop=drop, queries=queries))
    if json:
        print_json(shape(answer))
    else:
        tell(answer)


def ask_about_left_behind(settings: Settings, owner: str, name: str, *, yes: bool) -> int:
    """List the faces that would not be found any more, ask whether, and return how many they are."""
    listed = take(settings, owner, name, Step.LEFT_BEHIND, to="", anyway=False, drop=None, queries=1)
    faces = run_async(listed)
    assert isinstance(faces, tuple)  # noqa: S101 - what this step returns
    if faces and not yes:
        tell(faces)
        typer.confirm(f"Let no search find these {len(faces)} faces any more?", abort=True)
    return len(faces)


async def take(
    settings: Settings,
    owner: str,
    name: str,
    step: Step,
    *,
    to: str,
    anyway: bool,
    drop: int | None,
    queries: int,
) -> Answer:
    """Take one step."""
    async with open_context(settings) as context:
        where = (context, owner, name)
        steps: dict[Step, Callable[[], Awaitable[Answer]]] = {
            Step.START: lambda: remodel.start(*where, to, actor=OPERATOR),
            Step.STATUS: lambda: remodel.describe(*where),
            Step.EMBED: lambda: embed(*where),
            Step.LEFT_BEHIND: lambda: remodel.list_left_behind(*where, limit=MOST),
            Step.COMPARE: lambda: remodel_compare.compare(*where, actor=OPERATOR, queries=queries),
            Step.SWITCH: lambda: remodel.switch(*where, actor=OPERATOR, anyway=anyway),
            Step.ROLL_BACK: lambda: remodel.roll_back(*where, actor=OPERATOR),
            Step.FINISH: lambda: remodel.finish(*where, actor=OPERATOR, drop=drop),
            Step.ABANDON: lambda: remodel.abandon(*where, actor=OPERATOR),
        }
        return await steps[step]()


async def embed(context: Context, owner: str, name: str) -> RemodelInfo:
    """Do what the server's loop does, and show how far it is."""
    info = await remodel.describe(context, owner, name)
    with ERR.status(progress_of(info)) as status, suppress(NoRemodelError):  # a change that was finished ends here
        while await remodel_loop.turn(context):
            info = await remodel.describe(context, owner, name)
            status.update(progress_of(info))
    return info


def progress_of(info: RemodelInfo) -> str:
    """Say how far it is."""
    return f"{info.embedded} of {info.faces} faces have a vector of {info.to_model} ({info.progress:.0%} looked at)"


def tell(answer: Answer) -> None:
    """Print for people."""
    match answer:
        case RemodelInfo():
            say(f"{answer.collection}: {answer.state}, searches compare {answer.model}. {progress_of(answer)}.")
            if answer.left_behind:
                say(f"{answer.left_behind} cannot follow and are found by {answer.from_model}: see `left-behind`.")
        case Comparison():
            rows = [(key.replace("_", " "), str(value)) for key, value in asdict(answer).items()]
            print_table(("Figure", "Value"), rows)
        case None:
            say("The change is abandoned; the new vectors are removed.")
        case _:
            cells = [(each.face_id, each.external_image_id or "-", each.reason) for each in answer]
            print_table(("Face", "Image", "Why"), cells)


def shape(answer: Answer) -> Any:
    """Shape for programs."""
    match answer:
        case RemodelInfo():
            times = {"started_at": answer.started_at.isoformat()}
            switched_at = answer.switched_at.isoformat() if answer.switched_at else None
            return {**asdict(answer), **times, "switched_at": switched_at}
        case Comparison():
            return asdict(answer)
        case None:
            return {}
        case _:
            return [asdict(each) for each in answer]
