"""Indexing: the faces of an image become faces of a collection."""

from __future__ import annotations

from fotofila.access.audit import Actor
from fotofila.core.capability import Context
from fotofila.faces.collections.types import Indexed, QualityFilter


async def index_faces(
    context: Context,
    owner: str,
    name: str,
    image: bytes,
    *,
    actor: Actor,
    external_image_id: str | None = None,
    max_faces: int = 100,
    quality_filter: QualityFilter = "AUTO",
    attributes: bool = True,
    photo_id: str | None = None,
) -> Indexed:
    """Add the faces of an image to a collection.

    The same image with the same external id gives the same faces again: only such of its faces are added as are not
    there yet. Of more than `max_faces` good faces the largest and best are taken.

    Args:
        context: the parts of the process.
        owner: id of the workspace.
        name: of the collection.
        image: a picture of a type that we read.
        actor: who asks.
        external_image_id: what the client calls the image.
        max_faces: 1 or more.
        quality_filter: which faces are not good enough; see `quality_filter.py`.
        attributes: estimate age and apparent gender, too.
        photo_id: the stored photo that the image is the original of.

    Raises:
        CollectionNotFoundError: there is none of this name.
        RecognitionOffError: neither the workspace nor the collection recognises faces.
        FotofilaError: the image cannot be read.
    """
    raise NotImplementedError
