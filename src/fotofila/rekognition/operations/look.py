"""Looking at images of which nothing is kept: the direct lane."""

from __future__ import annotations

from typing import Any

from fotofila.faces.collections import desk
from fotofila.rekognition.answers import bounding_box, compared_face, estimates, face_detail, percent
from fotofila.rekognition.calls import ASKS_FOR_IMAGES, Call, reads
from fotofila.rekognition.images import read_image

MOST = 100
"""Faces that are told of, the largest first."""
THRESHOLD = 80.0


async def detect_faces(call: Call) -> dict[str, Any]:
    """Find and describe faces."""
    attributes = call.given.get("Attributes", ())
    image = await read_image(call.context, call.given["Image"])
    found = await desk.detect_faces(call.context, call.owner, image, attributes=estimates(attributes))
    return {"FaceDetails": [face_detail(each.face, attributes) for each in found.faces[:MOST]]}


async def compare_faces(call: Call) -> dict[str, Any]:
    """Compare the largest face of one image with all of another."""
    given = call.given
    compared = await desk.compare_faces(
        call.context,
        call.owner,
        await read_image(call.context, given["SourceImage"]),
        await read_image(call.context, given["TargetImage"]),
        actor=call.actor,
        threshold=given.get("SimilarityThreshold", THRESHOLD),
        quality_filter=given.get("QualityFilter", "NONE"),
    )
    source = compared.source
    return {
        "SourceImageFace": {"BoundingBox": bounding_box(source), "Confidence": percent(source.confidence * 100)},
        "FaceMatches": [
            {"Similarity": percent(match.similarity), "Face": compared_face(match.face)} for match in compared.matches
        ],
        "UnmatchedFaces": [compared_face(face) for face in compared.unmatched],
    }


OPERATIONS = (
    reads("DetectFaces", detect_faces, ASKS_FOR_IMAGES),
    reads("CompareFaces", compare_faces, ASKS_FOR_IMAGES),
)
