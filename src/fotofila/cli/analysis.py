"""Analysing files of this machine in the same sandboxed children that a worker uses: no server, nothing kept."""

from __future__ import annotations

import asyncio
import io
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from fotofila.bootstrap import load_capabilities
from fotofila.cli.pictures import Picture
from fotofila.cli.pinned import needed_files, unmet_roles
from fotofila.core.capability import JobKind, Kinds
from fotofila.core.config import Settings
from fotofila.core.errors import FotofilaError, UnavailableError
from fotofila.core.images.sniff import HEAD_BYTES, sniff
from fotofila.core.inference.errors import ModelUnavailableError
from fotofila.core.inference.store import list_files
from fotofila.faces.face import embedding_from_base64
from fotofila.faces.packs import chosen_pack
from fotofila.faces.service import analysis_args
from fotofila.worker.direct import DirectPool
from fotofila.worker.loop import available_cpus

KIND = "faces.analyze"
ANNOTATED = "annotated.webp"
JPEG_QUALITY = 92


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is wanted of each photo."""

    detection: str
    embed: bool
    annotate: Path | None
    """Folder of annotated pictures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysed:
    """A photo with what was found in it, or why nothing could be."""

    picture: Picture
    result: Mapping[str, Any] | None = None
    error: FotofilaError | None = None
    annotated: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The same work for every photo."""

    kind: JobKind
    args: dict[str, Any]
    wish: Wish


def demand_models(settings: Settings) -> None:
    """Raise ModelUnavailableError where a model is missing, before the first photo is looked at."""
    if unmet := unmet_roles(list_files(needed_files(settings), settings.models_dir)):
        message = f"Models are missing in {settings.models_dir} ({'; '.join(unmet)}): run `fotofila models fetch`."
        raise ModelUnavailableError(message)


async def analyse_all(
    settings: Settings, pictures: Sequence[Picture], wish: Wish, told: Callable[[Analysed], None]
) -> None:
    """Analyse photos, several at once; `told` hears of each as it is done, in whatever order they end."""
    kind = Kinds(load_capabilities(settings.capabilities)).get(KIND)
    args = analysis_args(
        detection=wish.detection,
        age=True,
        gender=True,
        embed=wish.embed,
        max_pixels=settings.max_pixels,
        pack=chosen_pack(settings),
    )
    left = iter(pictures)
    async with open_pool(settings) as pool:

        async def some() -> None:
            for picture in left:
                told(await analyse(pool, Order(kind=kind, args=args, wish=wish), picture))

        async with asyncio.TaskGroup() as tasks:
            for _ in range(settings.workers or available_cpus()):
                tasks.create_task(some())


@asynccontextmanager
async def open_pool(settings: Settings) -> AsyncIterator[DirectPool]:
    """Give the children; they end with the block."""
    pool = DirectPool(settings)
    try:
        yield pool
    finally:
        await pool.close()


async def analyse(pool: DirectPool, order: Order, picture: Picture) -> Analysed:
    """Analyse one photo; what is wrong with it is part of the answer."""
    try:
        head = await asyncio.to_thread(read_head, picture.path)
        media_type = sniff(head, declared_type=None, pixel_cap=order.args["max_pixels"]).media_type
        with tempfile.TemporaryDirectory(prefix="fotofila-analyze-") as folder:
            original = picture.path.absolute()
            result = await pool.run(order.kind, order.args, original, media_type, folder=Path(folder))
            annotated = await asyncio.to_thread(save_annotated, Path(folder), picture, order.wish)
    except OSError as error:
        unreadable = UnavailableError(f"The file cannot be read or written ({error.strerror}): look at its folder.")
        return Analysed(picture=picture, error=unreadable)
    except FotofilaError as error:
        return Analysed(picture=picture, error=error)
    return Analysed(picture=picture, result=result, annotated=annotated)


def read_head(path: Path) -> bytes:
    """Read what tells the type of a file."""
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


def save_annotated(folder: Path, picture: Picture, wish: Wish) -> Path | None:
    """Write the annotated picture as JPEG under a name that is not taken; None where none is wanted."""
    if wish.annotate is None:
        return None
    target = free_name(wish.annotate, picture.path.stem)
    # The picture was made by our own child: nobody else's bytes are decoded here.
    with Image.open(io.BytesIO((folder / ANNOTATED).read_bytes())) as image, target.open("xb") as file:
        image.convert("RGB").save(file, format="JPEG", quality=JPEG_QUALITY)
    return target


def free_name(folder: Path, stem: str) -> Path:
    """Return `stem-annotated.jpg`, or with a number where that is taken."""
    number, name = 1, f"{stem}-annotated.jpg"
    while (folder / name).exists():
        number += 1
        name = f"{stem}-annotated-{number}.jpg"
    return folder / name


def shape(done: Analysed) -> dict[str, Any]:
    """Shape a photo for programs; an embedding is a list of numbers."""
    if done.result is None:
        error = done.error or UnavailableError("Nothing was found out.")
        return {"file": str(done.picture.path), "error": {"code": error.code, "sentence": error.message}}
    photo = done.result["photo"]
    shaped = {
        "file": str(done.picture.path),
        "width": photo["width"],
        "height": photo["height"],
        "faces": [shape_face(face) for face in done.result["faces"]],
    }
    return shaped | ({"annotated": str(done.annotated)} if done.annotated else {})


def shape_face(face: Mapping[str, Any]) -> dict[str, Any]:
    """Turn an embedding from its form on the wire into numbers."""
    shaped = {name: value for name, value in face.items() if name != "embedding"}
    if embedding := face.get("embedding"):
        shaped["embedding"] = [round(float(each), 5) for each in embedding_from_base64(embedding)]
    return shaped
