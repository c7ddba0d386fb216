"""Comparing the faces of files of this machine: no server, nothing kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from fotofila.cli.analysis import open_pool
from fotofila.cli.pictures import Picture, find_pictures
from fotofila.core.config import Settings
from fotofila.core.errors import FotofilaError, InvalidInputError, UnavailableError
from fotofila.faces.collections.similarity import similarity
from fotofila.faces.engine.base import FaceEngine, FindOptions, Found, NoFaceError
from fotofila.faces.engine.local import LocalEngine
from fotofila.faces.face import Face
from fotofila.faces.packs import chosen_pack
from fotofila.worker.loop import available_cpus


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A face of a file."""

    picture: Picture
    number: int
    """From the left, beginning with 1."""
    face: Face
    model: str
    """What made its vector."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """A file with its faces, from the left, or why it could not be read."""

    picture: Picture
    faces: tuple[Seen, ...] = ()
    main: Seen | None = None
    """The largest of the faces."""
    error: FotofilaError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """A face and how alike it is to the one that is looked for, 0-100."""

    seen: Seen
    similarity: float


@asynccontextmanager
async def open_engine(settings: Settings) -> AsyncIterator[FaceEngine]:
    """Give our own engine, whatever the server's is: AWS gives no vectors. Its children end with the block.

    Raises:
        LicenceNotAcceptedError: the chosen pack is for non-commercial use only, and no setting accepts that.
    """
    chosen_pack(settings)
    async with open_pool(settings) as pool:
        yield LocalEngine(settings, pool)


async def look_at(
    settings: Settings, pictures: Sequence[Picture], told: Callable[[Looked], None]
) -> dict[Picture, Looked]:
    """Find the faces of files, several at once; `told` hears of each as it is done, in whatever order they end."""
    left = iter(pictures)
    done: dict[Picture, Looked] = {}
    async with open_engine(settings) as engine:

        async def some() -> None:
            for picture in left:
                done[picture] = await look(engine, picture, detection=settings.detection)
                told(done[picture])

        async with asyncio.TaskGroup() as tasks:
            for _ in range(settings.workers or available_cpus()):
                tasks.create_task(some())
    return {picture: done[picture] for picture in pictures}


async def look(engine: FaceEngine, picture: Picture, *, detection: Any) -> Looked:
    """Find the faces of one file; what is wrong with it is part of the answer."""
    options = FindOptions(detection=detection, age=False, gender=False, embed=True)
    try:
        image = await asyncio.to_thread(picture.path.read_bytes)
        found = await engine.find_faces(image, options=options)
    except OSError as error:
        unreadable = UnavailableError(f"The file cannot be read ({error.strerror}): look at its permissions.")
        return Looked(picture=picture, error=unreadable)
    except FotofilaError as error:
        return Looked(picture=picture, error=error)
    return number(picture, found)


def number(picture: Picture, found: Found) -> Looked:
    """Count the faces of a picture from the left."""
    seen = [Seen(picture=picture, number=0, face=each.face, model=found.model or "") for each in found.faces]
    main = seen[0] if seen else None  # the engine gives the largest first
    ordered = sorted(seen, key=lambda each: each.face.bounding_box.left)
    faces = tuple(replace(each, number=place) for place, each in enumerate(ordered, start=1))
    return Looked(picture=picture, faces=faces, main=faces[ordered.index(main)] if main else None)


def one_file(path: Path) -> Picture:
    """Return the one file that is meant.

    Raises:
        InvalidInputError: it is a folder.
        NotFoundError: there is none.
    """
    if path.is_dir():
        raise InvalidInputError(f"{path} is a folder: name one photo, or use `fotofila faces search`.")
    return find_pictures([path])[0]


def demand_face(looked: Looked) -> Seen:
    """Return the face that a photo is of.

    Raises:
        NoFaceError: there is none.
        FotofilaError: the photo could not be read.
    """
    if looked.error is not None:
        raise looked.error
    if looked.main is None:
        raise nobody_in(looked.picture.path)
    return looked.main


def nobody_in(path: Path) -> NoFaceError:
    """Say that a photo shows nobody."""
    return NoFaceError(f"There is no face in {path}: take a photo in which it is larger, or sharper.")


def rank(wanted: Seen, among: Sequence[Seen]) -> list[Alike]:
    """Say how alike each face is to the one that is wanted, the most alike first."""
    found = [Alike(seen=seen, similarity=alike(wanted, seen)) for seen in among]
    return sorted(found, key=lambda each: -each.similarity)


def alike(one: Seen, other: Seen) -> float:
    """Return the similarity of two faces, 0-100."""
    if one.face.embedding is None or other.face.embedding is None:
        raise UnavailableError("The engine gave no vectors: set FOTOFILA_FACES_ENGINE to local.")
    return similarity(one.model, float(np.dot(one.face.embedding, other.face.embedding)))


def shape_seen(seen: Seen) -> dict[str, Any]:
    """Shape a face for programs, without what this command does not ask for."""
    left_out = {"embedding", "has_embedding", "age_range", "apparent_gender"}
    face = {name: value for name, value in seen.face.to_json().items() if name not in left_out}
    return {"file": str(seen.picture.path), "number": seen.number, **face}


def shape_alike(each: Alike) -> dict[str, Any]:
    """Shape a match for programs."""
    return {"similarity": round(each.similarity, 2), **shape_seen(each.seen)}
