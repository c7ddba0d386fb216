"""An engine for tests that keeps collections itself, as AWS does: nobody else sees its vectors, and it can fail."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from fotofila.core.errors import ConflictError, NotFoundError, UnavailableError
from fotofila.faces.collections.errors import FaceNotFoundError
from fotofila.faces.collections.types import LeftOut, QualityFilter
from fotofila.faces.engine.base import (
    Added,
    AddedFaces,
    FaceLikeness,
    FindOptions,
    Found,
    FoundFace,
    KeptCollection,
    KnownFace,
    KnownMatch,
    Likeness,
    NoFaceError,
    Searched,
)
from fotofila.faces.face import BoundingBox, Face
from tests.faces.collections.painted import face_of

MODEL = "rekognition-7.0"


@dataclass(kw_only=True)
class KeptFace:
    """A face in the keeper."""

    known: KnownFace
    picture: str
    vector: NDArray[np.float32]


class Scissors:
    """Cuts pictures of one painted face each."""

    async def crop(self, image: bytes, boxes: Sequence[BoundingBox]) -> tuple[bytes, ...]:
        painted = json.loads(image)
        by_left = {round(person.get("left", 0.11 * at), 3): person for at, person in enumerate(painted["people"])}
        cut: list[bytes] = []
        for box in boxes:
            middle = box.left + box.width / 2
            person = min(by_left.items(), key=lambda each: abs(each[0] + each[1].get("size", 0.1) / 2 - middle))[1]
            cut.append(json.dumps({**painted, "people": [person]}).encode())
        return tuple(cut)


@dataclass(kw_only=True)
class PaintedKeeper:
    """Finds who was painted, and keeps them."""

    name: str = "rekognition"
    model: str = MODEL
    pictures: Scissors = field(default_factory=Scissors)
    collections: dict[str, dict[str, KeptFace]] = field(default_factory=dict)
    away: set[str] = field(default_factory=set)
    """Methods that answer nothing."""
    died: bool = False
    """The next change is made there, and the caller dies before it hears so."""
    meanwhile: Callable[[], Awaitable[object]] | None = None
    """What somebody else does once, between the next deletion of faces and its answer."""

    async def find_faces(self, image: bytes, *, options: FindOptions) -> Found:
        self._ask("find_faces")
        found = sorted(faces_in(image), key=lambda each: -each.face.bounding_box.width)
        shown = [FoundFace(face=without_vector(each.face)) for each in found]
        return Found(faces=tuple(shown[: options.most]), width=1000, height=1000, orientation=None, model=None)

    async def create_collection(self, collection: str) -> str:
        self._ask("create_collection")
        if collection in self.collections:
            raise ConflictError("It is there.")
        self.collections[collection] = {}
        self._die()
        return MODEL

    async def delete_collection(self, collection: str) -> None:
        self._ask("delete_collection")
        self._kept(collection)
        del self.collections[collection]
        self._die()

    async def describe_collection(self, collection: str) -> KeptCollection:
        self._ask("describe_collection")
        return KeptCollection(model=MODEL, faces=len(self._kept(collection)))

    async def list_collections(self) -> tuple[str, ...]:
        return tuple(self.collections)

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
        del quality_filter, attributes
        self._ask("index_faces")
        kept = self._kept(collection)
        digest = f"{hashlib.sha256(image).hexdigest()}/{external_image_id}"
        found, image_id = faces_in(image), uuid4().hex
        there = [each for each in kept.values() if each.picture == digest]
        for each in found[:max_faces] if not there else ():
            known = KnownFace(
                face_id=uuid4().hex,
                image_id=image_id,
                external_image_id=external_image_id,
                user_id=None,
                bounding_box=each.face.bounding_box,
                confidence=each.face.confidence,
                model=MODEL,
            )
            assert each.face.embedding is not None
            kept[known.face_id] = KeptFace(known=known, picture=digest, vector=each.face.embedding)
        there = [each for each in kept.values() if each.picture == digest]
        self._die()
        return AddedFaces(
            added=tuple(
                Added(known=one.known, face=without_vector(each.face)) for one, each in zip(there, found, strict=False)
            ),
            left_out=tuple(
                LeftOut(face=without_vector(each.face), reasons=("EXCEEDS_MAX_FACES",)) for each in found[max_faces:]
            ),
            model=MODEL,
        )

    async def list_faces(self, collection: str) -> tuple[KnownFace, ...]:
        self._ask("list_faces")
        return tuple(each.known for each in self._kept(collection).values())

    async def delete_faces(self, collection: str, face_ids: Sequence[str]) -> tuple[str, ...]:
        self._ask("delete_faces")
        kept = self._kept(collection)
        gone = tuple(face_id for face_id in face_ids if kept.pop(face_id, None) is not None)
        self._die()
        if (somebody := self.meanwhile) is not None:
            self.meanwhile = None
            await somebody()
        return gone

    async def search_faces(
        self, collection: str, face_id: str, *, threshold: float = 80.0, limit: int = 80
    ) -> tuple[KnownMatch, ...]:
        self._ask("search_faces")
        kept = self._kept(collection)
        if face_id not in kept:
            raise FaceNotFoundError("It is not there.")
        others = [each for each in kept.values() if each.known.face_id != face_id]
        return ranked(kept[face_id].vector, others, threshold, limit)

    async def search_faces_by_image(
        self,
        collection: str,
        image: bytes,
        *,
        threshold: float = 80.0,
        limit: int = 80,
        quality_filter: QualityFilter = "NONE",
    ) -> Searched:
        del quality_filter
        self._ask("search_faces_by_image")
        kept = self._kept(collection)
        face = largest_of(image)
        assert face.embedding is not None
        matches = ranked(face.embedding, kept.values(), threshold, limit)
        return Searched(bounding_box=face.bounding_box, confidence=face.confidence, matches=matches, model=MODEL)

    async def compare_faces(
        self, source: bytes, target: bytes, *, threshold: float = 80.0, quality_filter: QualityFilter = "NONE"
    ) -> Likeness:
        del quality_filter
        face = largest_of(source)
        every = [(without_vector(each.face), alike(face.embedding, each.face.embedding)) for each in faces_in(target)]
        return Likeness(
            bounding_box=face.bounding_box,
            confidence=face.confidence,
            matches=tuple(FaceLikeness(face=one, similarity=score) for one, score in every if score >= threshold),
            unmatched=tuple(one for one, score in every if score < threshold),
        )

    async def close(self) -> None:
        pass

    def _kept(self, collection: str) -> dict[str, KeptFace]:
        if collection not in self.collections:
            raise NotFoundError("It is not there.")
        return self.collections[collection]

    def _ask(self, method: str) -> None:
        if method in self.away:
            raise UnavailableError("AWS does not answer.")

    def _die(self) -> None:
        if self.died:
            self.died = False
            raise DiedError


class DiedError(Exception):
    """The caller is killed here."""


def faces_in(image: bytes) -> list[FoundFace]:
    painted = json.loads(image)
    options = FindOptions(embed=True)
    return [face_of(place, person, painted["photo"], options) for place, person in enumerate(painted["people"])]


def largest_of(image: bytes) -> Face:
    found = sorted(faces_in(image), key=lambda each: -each.face.bounding_box.width)
    if not found:
        raise NoFaceError
    return found[0].face


def without_vector(face: Face) -> Face:
    return Face(
        bounding_box=face.bounding_box,
        confidence=face.confidence,
        landmarks=face.landmarks,
        pose=face.pose,
        quality=face.quality,
    )


def ranked(
    vector: NDArray[np.float32], kept: Iterable[KeptFace], threshold: float, limit: int
) -> tuple[KnownMatch, ...]:
    every = [KnownMatch(known=each.known, similarity=alike(vector, each.vector)) for each in kept]
    found = sorted((each for each in every if each.similarity >= threshold), key=lambda each: -each.similarity)
    return tuple(found[:limit])


def alike(one: NDArray[np.float32] | None, other: NDArray[np.float32] | None) -> float:
    assert one is not None
    assert other is not None
    return min(100.0, max(0.0, 100 * float(one @ other)))
