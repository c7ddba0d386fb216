"""Searching faces, by one of the collection or by the largest of an image."""

from __future__ import annotations

from typing import Any

from fotofila.faces.collections import desk
from fotofila.rekognition.answers import bounding_box, face_match, model_version, own_id, percent
from fotofila.rekognition.calls import ASKS_FOR_IMAGES, NOT_FOUND, Call, reads
from fotofila.rekognition.images import read_image

LIMIT = 80
THRESHOLD = 80.0


async def search_faces(call: Call) -> dict[str, Any]:
    """Search by a face of the collection."""
    given = call.given
    matches = await desk.search_faces(
        call.context,
        call.owner,
        call.collection,
        own_id(given["FaceId"]),
        actor=call.actor,
        threshold=given.get("FaceMatchThreshold", THRESHOLD),
        limit=given.get("MaxFaces", LIMIT),
    )
    collection = await desk.describe_collection(call.context, call.owner, call.collection)
    return {
        "SearchedFaceId": given["FaceId"],
        "FaceMatches": [face_match(match) for match in matches],
        "FaceModelVersion": model_version(collection.model),
    }


async def search_faces_by_image(call: Call) -> dict[str, Any]:
    """Search by the largest face of an image; without a face that is an error."""
    given = call.given
    searched = await desk.search_faces_by_image(
        call.context,
        call.owner,
        call.collection,
        await read_image(call.context, given["Image"]),
        actor=call.actor,
        threshold=given.get("FaceMatchThreshold", THRESHOLD),
        limit=given.get("MaxFaces", LIMIT),
        quality_filter=given.get("QualityFilter", "NONE"),
    )
    return {
        "SearchedFaceBoundingBox": bounding_box(searched.face),
        "SearchedFaceConfidence": percent(searched.face.confidence * 100),
        "FaceMatches": [face_match(match) for match in searched.matches],
        "FaceModelVersion": model_version(searched.model),
    }


OPERATIONS = (
    reads("SearchFaces", search_faces, NOT_FOUND),
    reads("SearchFacesByImage", search_faces_by_image, ASKS_FOR_IMAGES, NOT_FOUND),
)
