"""`fotofila upload`: it keeps nothing of its own; the server is asked, by checksum, what is there already."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from fotofila.cli.lazy import new_app
from fotofila.cli.options import Json
from fotofila.cli.output import print_json, print_table, remark, say
from fotofila.cli.pictures import Picture, find_pictures
from fotofila.cli.running import run_async
from fotofila.cli.upload.progress import Bar
from fotofila.cli.upload.sending import Outcome, Trouble, find_unknown, send_all
from fotofila.cli.upload.server import Server, connect
from fotofila.cli.upload.waiting import close_batch, find_or_make_batch, wait_for_results

app = new_app()

INTERRUPTED = 130


@app.command()
def upload(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", help="Photos, and folders of photos.")],
    url: Annotated[str, typer.Option(envvar="FOTOFILA_URL", help="The server.")] = "http://127.0.0.1:8000",
    key: Annotated[str, typer.Option(envvar="FOTOFILA_KEY", help="An API key.", show_default=False)] = "",
    batch: Annotated[str | None, typer.Option(help="Name of the batch; that of the paths without it.")] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, max=32, help="Files sent at once.")] = 4,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until every photo is done, and tell what failed.")] = False,
    json: Json = False,
) -> None:
    """Send photos and folders to a server; run it again to go on.

    Photos that the server has are not sent again: it is asked by checksum, so a stopped upload goes on where it was,
    from this machine or another. More than one photo makes a batch, which leaves room for others beside it.

    `FOTOFILA_KEY=ff_... fotofila upload ~/Pictures/2026 --url https://photos.example.org --wait`
    """
    if not key:
        raise typer.BadParameter("give an API key with --key or FOTOFILA_KEY: `fotofila keys create NAME` makes one.")
    if not url.startswith(("http://", "https://")):
        raise typer.BadParameter(f"{url!r} is no URL of a server: it begins with http:// or https://.")
    pictures = find_pictures(paths)
    outcome = Outcome()
    try:
        name = batch or ", ".join(path.resolve().name or str(path) for path in paths)[:200]
        run_async(send(pictures, outcome, url=url, key=key, batch=name, jobs=jobs, wait=wait))
    except KeyboardInterrupt:
        remark(f"Stopped with {outcome.over} of {len(pictures)} done: run the same command again to go on.")
        raise typer.Exit(INTERRUPTED) from None
    finally:
        if outcome.over:
            tell(outcome, json=json)
    if outcome.refused or outcome.failed:
        raise typer.Exit(1)


async def send(
    pictures: list[Picture], outcome: Outcome, *, url: str, key: str, batch: str, jobs: int, wait: bool
) -> None:
    """Send everything, and wait for the results where that is wanted."""
    async with connect(url, key) as client:
        server = Server(client)
        with Bar(pictures) as bar:
            unknown = await find_unknown(server, pictures, outcome, bar)
            batch_id = await find_or_make_batch(server, batch, len(unknown)) if len(unknown) > 1 else None
            await send_all(server, unknown, outcome, bar, batch_id=batch_id, jobs=jobs)
        if batch_id is not None:
            await close_batch(server, batch_id)
        if wait:
            await wait_for_results(server, outcome)


def tell(outcome: Outcome, *, json: bool) -> None:
    """Sum up."""
    if json:
        print_json(shape(outcome))
        return
    words = {
        "sent": len(outcome.sent),
        "there already": len(outcome.duplicates),
        "the same as another": outcome.repeated,
        "refused": len(outcome.refused),
        "failed": len(outcome.failed),
    }
    say((", ".join(f"{count} {word}" for word, count in words.items() if count) or "Nothing was sent") + ".")
    rows = [(str(each.picture.path), each.sentence) for each in (*outcome.refused, *outcome.failed)]
    if rows:
        print_table(("File", "Why not"), rows)


def shape(outcome: Outcome) -> dict[str, Any]:
    """Shape the summary for programs."""
    rows = [(*row, False) for row in outcome.sent] + [(*row, True) for row in outcome.duplicates]
    photos = [
        {
            "file": str(picture.path),
            "id": sent.photo["id"],
            "job_id": sent.job["id"],
            "state": outcome.states.get(sent.photo["id"], sent.job["state"]),
            "duplicate": duplicate,
        }
        for picture, sent, duplicate in rows
    ]
    return {"photos": photos, "refused": shape_all(outcome.refused), "failed": shape_all(outcome.failed)}


def shape_all(troubles: list[Trouble]) -> list[dict[str, str]]:
    """Shape what went wrong."""
    return [{"file": str(each.picture.path), "code": each.code, "sentence": each.sentence} for each in troubles]
