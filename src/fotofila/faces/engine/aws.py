"""The engine of Amazon Rekognition: it is sent the pictures, and keeps its own collections. It gives no vectors.

Only JPEG and PNG up to 5 MiB are taken there as bytes; other pictures are turned into JPEG by our sandboxed children
first. Requests keep to the account's rate (`core.aws.pace`), so a throttle is waited out and never shows.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from fotofila.core.aws.calls import AwsRefusedError, PacedCalls
from fotofila.core.errors import ConflictError, FotofilaError, InvalidInputError, NotFoundError, UnavailableError
from fotofila.faces.collections.errors import FaceNotFoundError
from fotofila.faces.collections.types import QualityFilter
from fotofila.faces.engine import aws_answers as answers
from fotofila.faces.engine.base import (
    AddedFaces,
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
from fotofila.faces.engine.errors import EngineAwayError, EngineKeyError
from fotofila.faces.engine.pictures import Children
from fotofila.faces.face import Face

A_PAGE = 1000
DELETED_AT_ONCE = 1000
ABSENT_FACE = "The collection has no such face."
KEY = "Look at FOTOFILA_FACES_AWS_REGION, FOTOFILA_FACES_AWS_ACCESS_KEY_ID, its secret and its permissions."
UNSIGNED = frozenset({"CredentialRetrievalError", "NoCredentialsError", "NoRegionError", "PartialCredentialsError"})
"""What botocore says before it sends anything."""
KEYS = (
    "AccessDenied",
    "AccessDeniedException",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignatureException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
)
OURS: Mapping[str, tuple[type[FotofilaError], str]] = {
    **dict.fromkeys(KEYS, (EngineKeyError, KEY)),
    "ImageTooLargeException": (InvalidInputError, ""),
    "InvalidImageFormatException": (InvalidInputError, ""),
    "InvalidParameterException": (InvalidInputError, ""),
    "ResourceAlreadyExistsException": (ConflictError, ""),
    "ResourceNotFoundException": (NotFoundError, ""),
    "ValidationException": (InvalidInputError, ""),
}
"""What AWS refuses, in our words; the rest is no one's everyday mistake and stays as it is."""


class RekognitionEngine:
    """Finds faces, and keeps collections, at AWS."""

    name = "rekognition"

    def __init__(self, calls: PacedCalls, pictures: Children) -> None:
        """Connect to nothing yet."""
        self._calls = calls
        self.pictures = pictures
        self._model = answers.model_of("")

    @property
    def model(self) -> str:
        """`rekognition-7.0`; without the version until the first answer that tells it."""
        return self._model

    async def find_faces(self, image: bytes, *, options: FindOptions) -> Found:
        """Find and describe the faces of a picture; there are neither vectors nor chips."""
        picture = await self.pictures.sendable(image)
        told = await self._call("detect_faces", Image={"Bytes": picture.content}, Attributes=attributes_of(options))
        faces = [answers.face(each) for each in told["FaceDetails"]]
        if not options.age:  # it was asked for to know of whom a gender may be said
            faces = [replace(face, age_range=None) for face in faces]
        kept = sorted((face for face in faces if face.confidence >= options.min_confidence), key=by_size)
        return Found(
            faces=tuple(FoundFace(face=face) for face in kept[: options.most]),
            width=picture.width,
            height=picture.height,
            orientation=picture.orientation,
            model=None,
        )

    async def create_collection(self, collection: str) -> str:
        """Make a collection and return the version of its model."""
        told = await self._call("create_collection", CollectionId=collection)
        return answers.model_of(told.get("FaceModelVersion", ""))

    async def delete_collection(self, collection: str) -> None:
        """Delete a collection with its faces."""
        await self._call("delete_collection", CollectionId=collection)

    async def describe_collection(self, collection: str) -> KeptCollection:
        """Say what a collection has."""
        told = await self._call("describe_collection", CollectionId=collection)
        return KeptCollection(model=answers.model_of(told.get("FaceModelVersion", "")), faces=told["FaceCount"])

    async def list_collections(self) -> tuple[str, ...]:
        """Return the name of every collection of the account."""
        return tuple([name async for page in self._pages("list_collections") for name in page["CollectionIds"]])

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
        """Add the faces of a picture; see the port."""
        picture = await self.pictures.sendable(image)
        named = {} if external_image_id is None else {"ExternalImageId": external_image_id}
        told = await self._call(
            "index_faces",
            CollectionId=collection,
            Image={"Bytes": picture.content},
            MaxFaces=max_faces,
            QualityFilter=quality_filter,
            DetectionAttributes=attributes_of(FindOptions(age=attributes, gender=attributes)),
            **named,
        )
        return answers.added_faces(told)

    async def list_faces(self, collection: str) -> tuple[KnownFace, ...]:
        """Return every face of a collection."""
        return tuple(
            [
                answers.known_face(face, model=page.get("FaceModelVersion", ""))
                async for page in self._pages("list_faces", CollectionId=collection)
                for face in page["Faces"]
            ]
        )

    async def delete_faces(self, collection: str, face_ids: Sequence[str]) -> tuple[str, ...]:
        """Delete faces and return the ids of those that were there."""
        deleted: list[str] = []
        for at in range(0, len(face_ids), DELETED_AT_ONCE):
            wanted = [answers.shown_id(each) for each in face_ids[at : at + DELETED_AT_ONCE]]
            told = await self._call("delete_faces", CollectionId=collection, FaceIds=wanted)
            deleted += [answers.own_id(each) for each in told["DeletedFaces"]]
            refuse_what_stays(collection, told)
        return tuple(deleted)

    async def search_faces(
        self, collection: str, face_id: str, *, threshold: float = 80.0, limit: int = 80
    ) -> tuple[KnownMatch, ...]:
        """Find the faces that are like one of the collection."""
        with saying_face_is_absent():
            told = await self._call(
                "search_faces",
                CollectionId=collection,
                FaceId=answers.shown_id(face_id),
                FaceMatchThreshold=threshold,
                MaxFaces=limit,
            )
        return answers.known_matches(told)

    async def search_faces_by_image(
        self,
        collection: str,
        image: bytes,
        *,
        threshold: float = 80.0,
        limit: int = 80,
        quality_filter: QualityFilter = "NONE",
    ) -> Searched:
        """Find the faces that are like the largest of a picture."""
        picture = await self.pictures.sendable(image)
        with saying_there_is_no_face():
            told = await self._call(
                "search_faces_by_image",
                CollectionId=collection,
                Image={"Bytes": picture.content},
                FaceMatchThreshold=threshold,
                MaxFaces=limit,
                QualityFilter=quality_filter,
            )
        return answers.searched(told)

    async def compare_faces(
        self, source: bytes, target: bytes, *, threshold: float = 80.0, quality_filter: QualityFilter = "NONE"
    ) -> Likeness:
        """Compare the largest face of one picture with all of another."""
        first, second = await asyncio.gather(self.pictures.sendable(source), self.pictures.sendable(target))
        with saying_there_is_no_face():
            told = await self._call(
                "compare_faces",
                SourceImage={"Bytes": first.content},
                TargetImage={"Bytes": second.content},
                SimilarityThreshold=threshold,
                QualityFilter=quality_filter,
            )
        return answers.likeness(told)

    async def close(self) -> None:
        """Let go of connections."""
        await self._calls.close()

    async def _pages(self, operation: str, **values: Any) -> AsyncIterator[dict[str, Any]]:
        """Give the pages of a list, each before the next is asked for."""
        more: dict[str, Any] = {}
        while True:
            page = await self._call(operation, MaxResults=A_PAGE, **values, **more)
            yield page
            if not (token := page.get("NextToken")):
                return
            more = {"NextToken": token}

    async def _call(self, operation: str, **values: Any) -> dict[str, Any]:
        try:
            told = await self._calls(operation, **values)
        except AwsRefusedError as error:
            raise ours(error) from error
        except UnavailableError as error:
            raise away(error) from error
        if version := told.get("FaceModelVersion"):
            self._model = answers.model_of(version)
        return told


def attributes_of(options: FindOptions) -> list[str]:
    """Name what is to be estimated; every attribute costs time there."""
    wanted = {"AGE_RANGE": options.age or options.gender, "GENDER": options.gender}
    return ["DEFAULT", *(name for name, wish in wanted.items() if wish)]


def refuse_what_stays(collection: str, told: Mapping[str, Any]) -> None:
    """Raise where AWS left faces that it has.

    Raises:
        ConflictError: it did.
    """
    left = [
        each for each in told.get("UnsuccessfulFaceDeletions", ()) if set(each.get("Reasons", ())) - {"FACE_NOT_FOUND"}
    ]
    if left:
        users = ", ".join(sorted({each["UserId"] for each in left if each.get("UserId")})) or "somebody"
        raise ConflictError(
            f"AWS does not delete {len(left)} faces of {collection!r}, which belong to users that another program made "
            f"there ({users}): disassociate them (`aws rekognition disassociate-faces`), then repeat."
        )


def by_size(face: Face) -> float:
    """Order faces, the largest first."""
    return -face.bounding_box.width * face.bounding_box.height


def ours(error: AwsRefusedError) -> Exception:
    """Say what AWS refuses in our words."""
    kind, hint = OURS.get(error.name, (None, ""))
    return error if kind is None else kind(f"{error.message} {hint}".rstrip())


def away(error: UnavailableError) -> UnavailableError:
    """Say why there was no answer: nothing to sign a request with, or nobody there."""
    if type(error.__cause__).__name__ in UNSIGNED:
        return EngineKeyError(f"AWS cannot be asked ({error.__cause__}). {KEY}")
    return EngineAwayError(error.message)


@contextmanager
def saying_there_is_no_face() -> Iterator[None]:
    """Tell a picture without faces from other wrong values: AWS has one name for both."""
    try:
        yield
    except InvalidInputError as error:
        if isinstance(error.__cause__, AwsRefusedError) and "no faces" in error.message.lower():
            raise NoFaceError from error
        raise


@contextmanager
def saying_face_is_absent() -> Iterator[None]:
    """Tell a face that is not there from other wrong values."""
    try:
        yield
    except InvalidInputError as error:
        told = error.message.lower()
        if isinstance(error.__cause__, AwsRefusedError) and ("not found" in told or "no face" in told):
            raise FaceNotFoundError(ABSENT_FACE) from error
        raise
