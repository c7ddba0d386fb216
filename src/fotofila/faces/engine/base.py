"""The port of face engines. Every guarantee here has a test in `fotofila.testing.engine_conformance`.

All engines find faces. An engine that makes vectors (`local`) leaves collections to us; one that keeps collections of
its own (`rekognition`) gives no vectors, and has the methods of `KeepsCollections` instead: ask `makes_vectors` or
`keeps_collections`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeGuard, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from fotofila.core.errors import InvalidInputError
from fotofila.faces.face import BoundingBox, Face

if TYPE_CHECKING:
    from fotofila.core.capability import Context
    from fotofila.faces.collections.types import LeftOut, QualityFilter

CHIP_SIDE = 112
CHIP_BYTES = CHIP_SIDE * CHIP_SIDE * 3
"""A chip is (112, 112, 3) RGB, row by row, cut out so that the five points lie at the template of ArcFace."""

PART = "faces"
"""Name of the engine among the parts of the process."""


class NoFaceError(InvalidInputError):
    """A picture that needs a face has none."""

    code = "no_face"
    title = "There is no face in the picture"

    def __init__(self, message: str = "There is no face in the picture: send one that shows at least one.") -> None:
        super().__init__(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class FindOptions:
    """What is wanted of each face."""

    detection: Literal["accurate", "fast"] = "accurate"
    age: bool = True
    gender: bool = True
    embed: bool = False
    """Vectors, from engines that make them."""
    chips: bool = False
    """Aligned chips, from engines that make vectors: whoever has one can be embedded anew by a later model."""
    model: str | None = None
    """Model of the vectors; none: the engine's own `model`."""
    min_confidence: float = 0.5
    most: int | None = None
    """At most so many faces are described: the largest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFace:
    """One face of a picture."""

    face: Face
    chip: bytes | None = None
    """`CHIP_BYTES` long; only where chips were asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was found in a picture, in pixels of the upright picture."""

    faces: tuple[FoundFace, ...]
    """The largest first: by the area of the box."""
    width: int
    height: int
    orientation: int | None
    """EXIF 1-8, as it was applied; none where the picture says nothing, or the engine does not."""
    model: str | None
    """What made the vectors, or None where there are none."""


@runtime_checkable
class FaceEngine(Protocol):
    """Finds faces. One object serves all tasks of a process."""

    @property
    def name(self) -> str:
        """`local` or `rekognition`."""
        ...

    @property
    def model(self) -> str:
        """Name and version of what its vectors, or its collections, are made by; vectors of two are never compared."""
        ...

    async def find_faces(self, image: bytes, *, options: FindOptions) -> Found:
        """Find and describe the faces of a picture; a picture without faces has none, and that is no error.

        Raises:
            FotofilaError: the picture cannot be read (permanent, 422), or is larger than the settings allow.
            UnavailableError: a model is missing, or the service does not answer.
            BusyError: no child was free within seconds (503, `Retry-After`). A throttle of AWS never shows: we wait.
        """
        ...

    async def close(self) -> None:
        """Let go of clients and tasks; may be called twice."""
        ...


@runtime_checkable
class MakesVectors(FaceEngine, Protocol):
    """An engine whose faces have vectors: (d,) float32 of length 1, whose dot product is the likeness."""

    @property
    def models(self) -> tuple[str, ...]:
        """Every model that it can make vectors with here: fetched, and its licence accepted. `model` is the first."""
        ...

    async def embed_chips(self, chips: Sequence[bytes], *, model: str | None = None) -> NDArray[np.float32]:
        """Make vectors (n, d) of chips, in their order; the same chip gives the same vector as `find_faces` did.

        Raises:
            ModelUnavailableError: the model is not in `models`; the sentence says what to fetch or to set.
            InvalidInputError: a chip is not `CHIP_BYTES` long.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFace:
    """A face that an engine keeps in a collection of its own.

    It is no `Face`: Rekognition does not say of a face in a collection where its eyes are, nor where it looks.
    """

    face_id: str
    """32 hex digits."""
    image_id: str
    """32 hex digits, one for all faces of an image."""
    external_image_id: str | None
    user_id: str | None
    bounding_box: BoundingBox
    confidence: float
    """0-1."""
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownMatch:
    """A face that was found; similarity 0-100, as the engine means it."""

    known: KnownFace
    similarity: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """A face that was indexed, with what was seen of it."""

    known: KnownFace
    face: Face


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedFaces:
    """What became of a picture that was indexed."""

    added: tuple[Added, ...]
    left_out: tuple[LeftOut, ...]
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """The largest face of a picture and whom it is like, the most similar first."""

    bounding_box: BoundingBox
    confidence: float
    matches: tuple[KnownMatch, ...]
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceLikeness:
    """A face of a picture and its similarity, 0-100, to the face that it was compared with."""

    face: Face
    similarity: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """The largest face of a picture, against the faces of another."""

    bounding_box: BoundingBox
    confidence: float
    matches: tuple[FaceLikeness, ...]
    """The most similar first."""
    unmatched: tuple[Face, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptCollection:
    """A collection that an engine keeps."""

    model: str
    faces: int


@runtime_checkable
class KeepsCollections(FaceEngine, Protocol):
    """An engine that keeps collections itself. `collection` is the full name there; similarity is 0-100.

    Collections and faces that are not there raise NotFoundError, a collection that is there already ConflictError, and
    a picture without a face where one is needed NoFaceError.
    """

    async def create_collection(self, collection: str) -> str:
        """Make a collection and return the version of its model."""
        ...

    async def delete_collection(self, collection: str) -> None:
        """Delete a collection with its faces."""
        ...

    async def describe_collection(self, collection: str) -> KeptCollection:
        """Say what a collection has."""
        ...

    async def list_collections(self) -> tuple[str, ...]:
        """Return the name of every collection there is."""
        ...

    async def index_faces(
        self,
        collection: str,
        image: bytes,
        *,
        external_image_id: str | None = None,
        max_faces: int = 100,
        quality_filter: QualityFilter = "AUTO",
        attributes: bool = True,
    ) -> AddedFaces:
        """Add the faces of a picture, the largest `max_faces` of them; `left_out` tells of the others and why.

        The same picture with the same external id makes no second face.
        """
        ...

    async def list_faces(self, collection: str) -> tuple[KnownFace, ...]:
        """Return every face of a collection."""
        ...

    async def delete_faces(self, collection: str, face_ids: Sequence[str]) -> tuple[str, ...]:
        """Delete faces and return the ids of those that were there; afterwards none of the others is, either.

        Raises:
            ConflictError: the engine will not delete some of them, which somebody made a user of there.
        """
        ...

    async def search_faces(
        self, collection: str, face_id: str, *, threshold: float = 80.0, limit: int = 80
    ) -> tuple[KnownMatch, ...]:
        """Find the faces that are like one of the collection, without itself, the most similar first."""
        ...

    async def search_faces_by_image(
        self,
        collection: str,
        image: bytes,
        *,
        threshold: float = 80.0,
        limit: int = 80,
        quality_filter: QualityFilter = "NONE",
    ) -> Searched:
        """Find the faces that are like the largest of a picture, the most similar first."""
        ...

    async def compare_faces(
        self, source: bytes, target: bytes, *, threshold: float = 80.0, quality_filter: QualityFilter = "NONE"
    ) -> Likeness:
        """Compare the largest face of one picture with all of another."""
        ...


def engine_of(context: Context) -> FaceEngine:
    """Return the engine of this process, as `FOTOFILA_FACES_ENGINE` chose it."""
    engine: FaceEngine = context.parts[PART]
    return engine


def makes_vectors(engine: FaceEngine) -> TypeGuard[MakesVectors]:
    """Say whether an engine makes vectors.

    By one method for all of them: `isinstance` looks for each at every call, and reads properties that look at files.
    """
    return hasattr(engine, "embed_chips")


def keeps_collections(engine: FaceEngine) -> TypeGuard[KeepsCollections]:
    """Say whether an engine keeps collections itself; by one method, as above."""
    return hasattr(engine, "create_collection")
