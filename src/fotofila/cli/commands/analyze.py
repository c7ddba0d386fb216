"""`fotofila analyze`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from fotofila.cli.analysis import Analysed, Wish, analyse_all, demand_models, shape
from fotofila.cli.faces_table import show_faces
from fotofila.cli.lazy import new_app
from fotofila.cli.options import Json, configure_command, settings_with
from fotofila.cli.output import ERR, print_json, remark
from fotofila.cli.pictures import Picture, find_pictures
from fotofila.cli.running import run_async
from fotofila.core.config import Settings

app = new_app()


@app.command()
def analyze(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Photos, and folders of photos.")],
    annotate: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write a JPEG with the faces drawn on it into this folder.")
    ] = None,
    fast: Annotated[
        bool, typer.Option("--fast", help="Search at one scale only: half the time, a little less.")
    ] = False,
    embed: Annotated[
        bool, typer.Option("--embed", help="Add to each face the 128 numbers that recognise it; for --json.")
    ] = False,
    json: Json = False,
) -> None:
    """Find the faces in photos, without a server.

    Every photo is read in a sandboxed child process with limits of memory and time. The exit code is 1 when one of
    them could not be analysed.

    `fotofila analyze ~/Pictures/party --annotate party-faces --json > faces.json`
    """
    settings = settings_with()
    configure_command(settings)
    demand_models(settings)
    pictures = find_pictures(files)
    if annotate is not None:
        annotate.mkdir(parents=True, exist_ok=True)
    wish = Wish(detection="fast" if fast else settings.detection, embed=embed, annotate=annotate)
    done = run_async(watch(settings, pictures, wish))
    if json:
        print_json({"photos": [shape(each) for each in done]})
    else:
        for each in done:
            show(each)
    if any(each.error for each in done):
        raise typer.Exit(1)


async def watch(settings: Settings, pictures: list[Picture], wish: Wish) -> list[Analysed]:
    """Analyse with a progress bar; return what was found in the order in which the photos were given."""
    order = {picture: number for number, picture in enumerate(pictures)}
    bar = Progress(
        TextColumn("Analysing"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=ERR,
        transient=True,
        disable=not ERR.is_terminal,
    )
    found: list[Analysed] = []
    with bar:
        task = bar.add_task("", total=len(pictures))

        def told(done: Analysed) -> None:
            found.append(done)
            bar.advance(task)

        await analyse_all(settings, pictures, wish, told)
    return sorted(found, key=lambda each: order[each.picture])


def show(done: Analysed) -> None:
    """Print a photo for people."""
    if done.result is None:
        remark(f"{done.picture.path}: {done.error}", style="red")
        return
    photo = done.result["photo"]
    show_faces(str(done.picture.path), photo["width"], photo["height"], done.result["faces"])
