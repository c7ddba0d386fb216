"""`fotofila faces search`: everyone in one photo, looked for in a collection, or in folders of this machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fotofila.cli.analysis import demand_models
from fotofila.cli.faces.local import (
    Alike,
    Looked,
    Seen,
    demand_face,
    look_at,
    nobody_in,
    one_file,
    rank,
    shape_alike,
    shape_seen,
)
from fotofila.cli.faces.options import At
from fotofila.cli.faces.places import numbered, places_of
from fotofila.cli.faces.progress import counting
from fotofila.cli.faces.remote import search_there
from fotofila.cli.pictures import find_pictures
from fotofila.core.config import Settings


async def search_here(
    settings: Settings, photo: Path, folders: Sequence[Path], *, threshold: float, limit: int
) -> dict[str, Any]:
    """Search folders for the people of a photo: `faces`, each with `matches`, and what could not be read.

    Raises:
        FotofilaError: the photo cannot be read, or shows nobody.
    """
    demand_models(settings)
    pictures = find_pictures([one_file(photo).path, *folders])
    wanted, others = pictures[0], pictures[1:]
    with counting("Looking", len(pictures)) as advance:
        looked = await look_at(settings, pictures, lambda _: advance())
    main = demand_face(looked[wanted])
    among = [seen for picture in others for seen in looked[picture].faces]
    return {
        "photo": str(photo),
        "model": main.model,
        "threshold": threshold,
        "faces": [found(face, among, threshold=threshold, limit=limit) for face in looked[wanted].faces],
        "errors": [shape_error(each) for each in looked.values() if each.error],
    }


async def search_asking(at: At, photo: Path, collection: str, *, threshold: float, limit: int) -> dict[str, Any]:
    """Have a server search a collection; the answer has the same shape, with what the collection knows of each match.

    Raises:
        FotofilaError: the photo is refused, or the server does not answer.
    """
    answer = await search_there(at, collection, one_file(photo), threshold=threshold, limit=limit)
    if not answer["faces"]:
        raise nobody_in(photo)
    places = places_of(each["face"] for each in answer["faces"])
    faces: list[dict[str, Any]] = [
        {
            "face": {"file": str(photo)} | numbered(each["face"], places),
            "matches": [{"similarity": match["similarity"], **match["face"]} for match in each["matches"]],
        }
        for each in answer["faces"]
    ]
    faces.sort(key=lambda each: each["face"]["number"])
    told = {"photo": str(photo), "collection": collection, "model": answer["model"], "threshold": threshold}
    return {**told, "faces": faces, "errors": []}


def found(face: Seen, among: Sequence[Seen], *, threshold: float, limit: int) -> dict[str, Any]:
    """Shape a face that was looked for and those that are like it."""
    alike: list[Alike] = [each for each in rank(face, among) if each.similarity >= threshold]
    return {"face": shape_seen(face), "matches": [shape_alike(each) for each in alike[:limit]]}


def shape_error(looked: Looked) -> Mapping[str, str]:
    """Shape a file that could not be read."""
    error = looked.error
    return {
        "file": str(looked.picture.path),
        "code": error.code if error else "",
        "sentence": error.message if error else "",
    }
