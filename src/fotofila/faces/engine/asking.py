"""Having a stored photo looked at by an engine that is a service: its faces, and who they are in a collection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fotofila.core.aws.calls import AwsRefusedError
from fotofila.core.capability import Question
from fotofila.core.errors import InvalidInputError, NotFoundError
from fotofila.faces.engine.aws import RekognitionEngine
from fotofila.faces.engine.base import FindOptions, Found, KnownFace, KnownMatch, NoFaceError
from fotofila.faces.engine.flows import search_each_face, search_or_index
from fotofila.faces.engine.pictures import Sendable

ABSENT = "There is no collection {!r} at AWS: make it with POST /api/collections and analyse the photo again."
MOST_MATCHES = 20
"""Of one face; at the door one is kept, but the first may be a face that our rows do not know."""
WRONG_FORMAT = "InvalidImageFormatException"

Matches = Sequence[dict[str, Any]]


async def look(engine: RekognitionEngine, question: Question) -> dict[str, Any]:
    """Return `{"model", "faces": [Face.to_json() | {"matches": […]}]}`, the largest face first.

    `matches` is there where the job searches a collection: `{"face_id", "image_id", "external_image_id", "model",
    "similarity"}`, the most similar first; similarity is 0-100, or null where the face was unknown and this photo made
    it known.
    """
    picture, found = await find(engine, question)
    faces = [each.face.to_json() for each in found.faces]
    if faces and question.args.get("collection"):
        try:
            matches = await search(engine, picture, found, question)
        except NotFoundError as error:
            raise NotFoundError(ABSENT.format(question.args["collection"])) from error
        faces = [{**face, "matches": [*some]} for face, some in zip(faces, matches, strict=True)]
    return {"model": engine.model, "faces": faces}


async def find(engine: RekognitionEngine, question: Question) -> tuple[Sendable, Found]:
    """Find the faces; what AWS cannot read of its own formats is written anew first, if we can read it."""
    args = question.args
    options = FindOptions(age=args["age"], gender=args["gender"])
    picture = await engine.pictures.sendable_file(question.original, question.media_type)
    try:
        return picture, await engine.find_faces(picture.content, options=options)
    except InvalidInputError as error:
        if not (isinstance(error.__cause__, AwsRefusedError) and error.__cause__.name == WRONG_FORMAT):
            raise
    picture = await engine.pictures.as_jpeg(question.original, question.media_type)
    return picture, await engine.find_faces(picture.content, options=options)


async def search(engine: RekognitionEngine, picture: Sendable, found: Found, question: Question) -> list[Matches]:
    """Search for every face, or for the largest one alone; matches of each face, in the order of the faces."""
    args = question.args
    if args["search"] == "each":
        searched = await search_each_face(
            engine,
            args["aws_collection"],
            picture.content,
            threshold=args["threshold"],
            limit=MOST_MATCHES,
            found=found,
        )
        return [[shape(match, question) for match in each.matches] for each in searched]
    rest: list[Matches] = [[] for _ in found.faces[1:]]

    async def decode() -> None:
        """AWS reads what is cut off, and our child does not: its job fails, and nobody here would know of the face."""
        await engine.pictures.crop(picture.content, ())

    try:
        known = await search_or_index(
            engine,
            args["aws_collection"],
            picture.content,
            threshold=args["threshold"],
            limit=MOST_MATCHES,
            external_image_id=question.photo_id,
            before_index=decode,
        )
    except NoFaceError:  # a face to be drawn, but too poor to be searched for
        return [[], *rest]
    if known.match is not None:
        return [[shape(match, question) for match in (known.match, *known.others)], *rest]
    return [[] if known.added is None else [shape_known(known.added.known, None)], *rest]


def shape(match: KnownMatch, question: Question) -> dict[str, Any]:
    """Write a match; a face that an earlier run of this photo's analysis indexed is no likeness."""
    own = question.args["search"] != "each" and match.known.external_image_id == question.photo_id
    return shape_known(match.known, None if own else round(match.similarity, 4))


def shape_known(known: KnownFace, similarity: float | None) -> dict[str, Any]:
    """Write a face of a collection."""
    return {
        "face_id": known.face_id,
        "image_id": known.image_id,
        "external_image_id": known.external_image_id,
        "model": known.model,
        "similarity": similarity,
    }
