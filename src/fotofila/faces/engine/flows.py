"""The two ways in which programs use Rekognition to know who is in a picture.

Its searches look at the largest face of a picture alone. Where all are wanted, each is cut out and searched by itself;
where one is (a camera, a door), the largest is searched, and indexed when nobody is like it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from fotofila.faces.engine.base import Added, FindOptions, Found, KeepsCollections, KnownMatch, NoFaceError
from fotofila.faces.face import BoundingBox, Face

if TYPE_CHECKING:
    from fotofila.faces.collections.types import QualityFilter

T = TypeVar("T")
MARGIN = 0.4
"""Of a face's longer side, around it: a detector that sees a face alone wants some of what is around it."""


class Cutter(Protocol):
    """Cuts boxes out of pictures."""

    async def crop(self, image: bytes, boxes: Sequence[BoundingBox]) -> tuple[bytes, ...]:
        """Return each box (ratios of the upright picture) as a picture of its own."""
        ...


class KeepingEngine(KeepsCollections, Protocol):
    """An engine with collections of its own, which searches the largest face of a picture."""

    @property
    def pictures(self) -> Cutter:
        """Who cuts."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchedCrop:
    """A face of a picture, and whom it is like, the most similar first."""

    face: Face
    matches: tuple[KnownMatch, ...]
    seen: bool = True
    """False: cut out by itself, it was no face to the engine any more, or no good one, and so was not searched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """The largest face of a picture: known by `match`, or new and `added`; neither where its quality was too low."""

    match: KnownMatch | None
    added: Added | None
    others: tuple[KnownMatch, ...] = ()
    """Who is alike besides `match`, where more than one were asked for."""


async def search_each_face(
    engine: KeepingEngine,
    collection: str,
    image: bytes,
    *,
    threshold: float = 80.0,
    limit: int = 80,
    most: int | None = None,
    margin: float = MARGIN,
    found: Found | None = None,
    quality_filter: QualityFilter = "NONE",
) -> tuple[SearchedCrop, ...]:
    """Find the faces of a picture, the largest `most`, cut each out and search for it; the largest first.

    With `found`, what was found in it before, nothing is found again. The searches are under way together, at the pace
    of the account. A picture without faces gives nothing.

    Raises:
        NotFoundError: there is no such collection.
    """
    if found is None:
        found = await engine.find_faces(image, options=FindOptions(age=False, gender=False, most=most))
    if not found.faces:
        return ()
    faces = [each.face for each in found.faces]
    boxes = [with_margin(face.bounding_box, margin, width=found.width, height=found.height) for face in faces]
    crops = await engine.pictures.crop(image, boxes)

    async def search(face: Face, crop: bytes) -> SearchedCrop:
        try:
            hit = await engine.search_faces_by_image(
                collection, crop, threshold=threshold, limit=limit, quality_filter=quality_filter
            )
        except NoFaceError:
            return SearchedCrop(face=face, matches=(), seen=False)
        return SearchedCrop(face=face, matches=hit.matches)

    return tuple(await together(search(face, crop) for face, crop in zip(faces, crops, strict=True)))


async def together(questions: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Ask all of it at once; what fails first is raised, and ends the others: each is a request that is paid for."""
    try:
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(each) for each in questions]
    except ExceptionGroup as failed:
        first = failed.exceptions[0]
        raise first from first.__cause__
    return [each.result() for each in asked]


async def search_or_index(
    engine: KeepingEngine,
    collection: str,
    image: bytes,
    *,
    threshold: float = 80.0,
    limit: int = 1,
    external_image_id: str | None = None,
    before_index: Callable[[], Awaitable[object]] | None = None,
) -> Recognised:
    """Search for the largest face of a picture, and index it when nobody is like it.

    `before_index` is awaited before a face is made known; it keeps it from that by raising.

    Raises:
        NoFaceError: the picture has none.
        NotFoundError: there is no such collection.
    """
    hit = await engine.search_faces_by_image(collection, image, threshold=threshold, limit=limit)
    if hit.matches:
        return Recognised(match=hit.matches[0], added=None, others=hit.matches[1:])
    if before_index is not None:
        await before_index()
    made = await engine.index_faces(
        collection, image, external_image_id=external_image_id, max_faces=1, attributes=False
    )
    return Recognised(match=None, added=made.added[0] if made.added else None)


def with_margin(box: BoundingBox, margin: float, *, width: int, height: int) -> BoundingBox:
    """Return a box with the same number of pixels added on all sides; it may leave the picture."""
    pixels = margin * max(box.width * width, box.height * height)
    across, down = pixels / max(width, 1), pixels / max(height, 1)
    return BoundingBox(
        left=box.left - across, top=box.top - down, width=box.width + 2 * across, height=box.height + 2 * down
    )
