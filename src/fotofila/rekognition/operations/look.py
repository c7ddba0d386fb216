"""Looking at images of which nothing is kept: the direct lane."""

from __future__ import annotations

from typing import Any

from fotofila.faces.collections import desk
from fotofila.faces.collections.errors import RecognitionOffError
from fotofila.faces.collections.types import Compared
from fotofila.rekognition.answers import compared_face, estimates, face_detail, percent, seen_face
from fotofila.rekognition.calls import ASKS_FOR_IMAGES, Call, reads
from fotofila.rekognition.images import read_image

MOST = 100
"""Faces that are told of, the largest first."""
THRESHOLD = 80.0
COLLECTIONS = 1000
"""How many are looked at for one that is switched on."""


async def detect_faces(call: Call) -> dict[str, Any]:
    """Find and describe faces."""
    attributes = call.given.get("Attributes", ())
    image = await read_image(call.context, call.given["Image"])
    found = await desk.detect_faces(call.context, call.owner, image, attributes=estimates(attributes))
    return {"FaceDetails": [face_detail(each.face, attributes) for each in found.faces[:MOST]]}


async def compare_faces(call: Call) -> dict[str, Any]:
    """Compare the largest face of one image with all of another.

    Recognition must be on: in the workspace, or by a collection of it, which is how programs of AWS switch it on.
    """
    source_image = await read_image(call.context, call.given["SourceImage"])
    target_image = await read_image(call.context, call.given["TargetImage"])
    try:
        compared = await compare(call, source_image, target_image, switched_on=False)
    except RecognitionOffError:
        every = await desk.list_collections(call.context, call.owner, limit=COLLECTIONS)
        if not any(each.switched_on for each in every):
            raise
        compared = await compare(call, source_image, target_image, switched_on=True)
    return {
        "SourceImageFace": seen_face(compared.source),
        "FaceMatches": [
            {"Similarity": percent(match.similarity), "Face": compared_face(match.face)} for match in compared.matches
        ],
        "UnmatchedFaces": [compared_face(face) for face in compared.unmatched],
    }


async def compare(call: Call, source: bytes, target: bytes, *, switched_on: bool) -> Compared:
    """Compare two images."""
    return await desk.compare_faces(
        call.context,
        call.owner,
        source,
        target,
        actor=call.actor,
        threshold=call.given.get("SimilarityThreshold", THRESHOLD),
        quality_filter=call.given.get("QualityFilter", "NONE"),
        switched_on=switched_on,
    )


OPERATIONS = (
    reads("DetectFaces", detect_faces, ASKS_FOR_IMAGES),
    reads("CompareFaces", compare_faces, ASKS_FOR_IMAGES),
)
