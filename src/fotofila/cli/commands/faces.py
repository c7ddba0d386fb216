"""`fotofila faces`: who is in a photo. Collections are a server's; files are compared with or without one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from fotofila.cli.faces.comparing import compare_asking, compare_here
from fotofila.cli.faces.indexing import index, shape, show
from fotofila.cli.faces.listing import show_collections, show_members
from fotofila.cli.faces.options import (
    INTERRUPTED,
    NOBODY,
    URL,
    Collection,
    Key,
    OtherUrl,
    Threshold,
    Url,
    demand_server,
)
from fotofila.cli.faces.remote import Indexing, Wish, external_id_of, list_there
from fotofila.cli.faces.searching import search_asking, search_here
from fotofila.cli.faces.tables import show_comparison, show_search
from fotofila.cli.lazy import new_app
from fotofila.cli.options import Json, configure_command, settings_with
from fotofila.cli.output import print_json, remark
from fotofila.cli.pictures import Picture, find_pictures
from fotofila.cli.running import run_async
from fotofila.core.config import Settings

app = new_app()

Quality = Literal["NONE", "AUTO", "LOW", "MEDIUM", "HIGH"]


@app.callback()
def faces() -> None:
    """Who is in a photo: index faces, search, compare, list.

    Collections are kept by a server; to compare files, or to search folders, none is needed.
    """


@app.command("index")
def index_photos(
    collection: Collection,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", help="Photos, and folders of photos.")],
    external_id: Annotated[
        str | None, typer.Option(help="What the faces are called; that of its file for each photo without it.")
    ] = None,
    unnamed: Annotated[bool, typer.Option("--unnamed", help="Call the faces nothing.")] = False,
    most: Annotated[int, typer.Option("--max-faces", min=1, max=100, help="Faces of one photo, the best first.")] = 100,
    quality: Annotated[
        Quality, typer.Option("--quality-filter", help="What is left out; AUTO: what cannot be recognised.")
    ] = "AUTO",
    consent: Annotated[
        str | None, typer.Option(help="What the people in them agreed to, or where that is kept; noted for each face.")
    ] = None,
    consent_given_by: Annotated[str | None, typer.Option(help="Who agreed, where it was not they.")] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, max=32, help="Photos sent at once.")] = 2,
    url: Url = URL,
    key: Key = "",
    json: Json = False,
) -> None:
    """Add the faces of photos to a collection; the photos are not kept.

    The same photo under the same name adds nothing again, so a stopped run is simply run again. The exit code is 1 when
    a photo was refused. The page of the server makes collections, and so does `POST /api/collections`.

    `FOTOFILA_KEY=ff_... fotofila faces index wedding-2026 ~/Pictures/guests --url https://photos.example.org`
    """
    at = demand_server(url, key)
    pictures = find_pictures(paths)

    def name(picture: Picture) -> str | None:
        return external_id or (None if unnamed else external_id_of(picture.path))

    noted = {"consent": consent, "consent_given_by": consent_given_by}
    wish = Wish(
        collection=collection,
        external_id=name,
        quality=quality,
        most=most,
        consent={key: value for key, value in noted.items() if value is not None},
    )
    done: list[Indexing] = []
    try:
        run_async(index(at, pictures, wish, done, jobs=jobs))
    except KeyboardInterrupt:
        remark(f"Stopped with {len(done)} of {len(pictures)} done: run the same command again to go on.")
        raise typer.Exit(INTERRUPTED) from None
    finally:
        order = {picture: number for number, picture in enumerate(pictures)}
        done.sort(key=lambda one: order[one.picture])
        if done:
            print_json({"photos": [shape(one) for one in done]}) if json else show(done)
    if any(one.answer is None for one in done):
        raise typer.Exit(1)


@app.command()
def search(
    photo: Annotated[Path, typer.Argument(metavar="PHOTO", help="Everyone in this photo is looked for.")],
    collection: Annotated[str | None, typer.Option("--collection", "-c", help="A collection of the server.")] = None,
    folders: Annotated[
        list[Path] | None,
        typer.Option("--in", metavar="PATH", help="Photos or folders of this machine, without a server."),
    ] = None,
    threshold: Threshold = 80.0,
    limit: Annotated[int, typer.Option(min=1, max=4096, help="Most matches of each face.")] = 10,
    url: Url = URL,
    key: Key = "",
    json: Json = False,
) -> None:
    """Look for everyone in a photo: in a collection of a server, or in folders of this machine.

    The exit code is 3 when nobody is alike enough, and 1 when a photo could not be read.

    `fotofila faces search group.jpg --collection wedding-2026 --url https://photos.example.org`

    `fotofila faces search maria.jpg --in ~/Pictures/2026`
    """
    if bool(folders) == (collection is not None):
        raise typer.BadParameter("say where to look: --collection NAME on a server, or --in DIR on this machine.")
    if collection is not None:
        at = demand_server(url, key)
        found = run_async(search_asking(at, photo, collection, threshold=threshold, limit=limit))
    else:
        found = run_async(search_here(prepare(), photo, folders or [], threshold=threshold, limit=limit))
    if json:
        print_json(found)
    else:
        show_search(found)
    if found["errors"]:
        raise typer.Exit(1)
    if not any(face["matches"] for face in found["faces"]):
        raise typer.Exit(NOBODY)


@app.command()
def compare(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="A photo; its largest face is looked for.")],
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="The photo in which it is looked for.")],
    threshold: Threshold = 80.0,
    url: OtherUrl = None,
    key: Key = "",
    json: Json = False,
) -> None:
    """Say whether the person of one photo is in another.

    The exit code is 3 when nobody is alike enough. Nothing is kept, here or on a server.

    `fotofila faces compare passport.jpg group.jpg`
    """
    if url is None:
        found = run_async(compare_here(prepare(), source, target))
    else:
        found = run_async(compare_asking(demand_server(url, key), source, target))
    matched = any(match["similarity"] >= threshold for match in found["matches"])
    if json:
        print_json(found | {"threshold": threshold, "matched": matched})
    else:
        show_comparison(found, source=str(source), target=str(target), threshold=threshold)
    if not matched:
        raise typer.Exit(NOBODY)


@app.command("list")
def list_faces(
    collection: Annotated[
        str | None, typer.Argument(metavar="COLLECTION", help="A collection; without it, the collections are listed.")
    ] = None,
    person: Annotated[str | None, typer.Option(help="Only faces of this person of the collection.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="Most lines.")] = 200,
    url: Url = URL,
    key: Key = "",
    json: Json = False,
) -> None:
    """Show the faces of a collection, or the collections of a server.

    `fotofila faces list wedding-2026 --person guest-17 --json`
    """
    at = demand_server(url, key)
    if collection is None:
        items = run_async(list_there(at, limit=limit))
    else:
        only: dict[str, Any] = {"user_id": person} if person else {}
        items = run_async(list_there(at, collection, "faces", limit=limit, **only))
    if json:
        print_json(items)
    elif collection is None:
        show_collections(items)
    else:
        show_members(items, collection)


def prepare() -> Settings:
    """Read the settings."""
    settings = settings_with()
    configure_command(settings)
    return settings
