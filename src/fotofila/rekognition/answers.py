"""Our faces in the words of Rekognition.

Boxes and points may leave 0-1 at the border, as AWS's do. What no model of ours gives (emotions, glasses, beards,
eyes open or shut) is left out, never made up.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from fotofila.faces.collections.types import FaceMatch, FaceRecord, SeenFace, UserMatch
from fotofila.faces.face import Face

LANDMARKS: Mapping[str, str] = {
    "eye_left": "eyeLeft",
    "eye_right": "eyeRight",
    "mouth_left": "mouthLeft",
    "mouth_right": "mouthRight",
    "nose": "nose",
}
DIGITS = 6
"""Of ratios; those of percents and degrees are 4."""


def wants(attributes: Collection[str], name: str) -> bool:
    """Say whether an attribute was asked for."""
    return "ALL" in attributes or name in attributes


def estimates(attributes: Collection[str]) -> bool:
    """Say whether any attribute was asked for that costs a model of its own."""
    return wants(attributes, "AGE_RANGE") or wants(attributes, "GENDER")


def face_detail(face: Face | SeenFace, attributes: Collection[str] = ()) -> dict[str, Any]:
    """Return a FaceDetail with the attributes that were asked for and that we have."""
    if isinstance(face, SeenFace):
        return seen_face(face)
    made = compared_face(face)
    if face.age_range is not None and wants(attributes, "AGE_RANGE"):
        made["AgeRange"] = {"Low": face.age_range.low, "High": face.age_range.high}
    if face.apparent_gender is not None and wants(attributes, "GENDER"):
        made["Gender"] = {
            "Value": face.apparent_gender.value.capitalize(),
            "Confidence": percent(face.apparent_gender.confidence * 100),
        }
    return made


def compared_face(face: Face) -> dict[str, Any]:
    """Return a ComparedFace: what is told of every face."""
    return {
        **seen_face(face),
        "Landmarks": [
            {"Type": LANDMARKS[point.type], "X": round(point.x, DIGITS), "Y": round(point.y, DIGITS)}
            for point in face.landmarks
        ],
        "Pose": {
            "Roll": round(face.pose.roll, 4),
            "Yaw": round(face.pose.yaw, 4),
            "Pitch": round(face.pose.pitch, 4),
        },
        "Quality": {"Brightness": round(face.quality.brightness, 4), "Sharpness": round(face.quality.sharpness, 4)},
    }


def seen_face(face: Face | SeenFace) -> dict[str, Any]:
    """Return where a face is: what is told of one that was searched with, or compared with others."""
    return {"BoundingBox": bounding_box(face), "Confidence": percent(face.confidence * 100)}


def bounding_box(face: Face | SeenFace) -> dict[str, float]:
    """Return a BoundingBox."""
    box = face.bounding_box
    return {
        "Width": round(box.width, DIGITS),
        "Height": round(box.height, DIGITS),
        "Left": round(box.left, DIGITS),
        "Top": round(box.top, DIGITS),
    }


def face_record(record: FaceRecord) -> dict[str, Any]:
    """Return a Face: what is known of one that was indexed."""
    made: dict[str, Any] = {
        "FaceId": shown_id(record.face_id),
        "BoundingBox": bounding_box(record.face),
        "ImageId": shown_id(record.image_id),
        "Confidence": percent(record.face.confidence * 100),
        "IndexFacesModelVersion": model_version(record.model),
    }
    if record.external_image_id is not None:
        made["ExternalImageId"] = record.external_image_id
    if record.user_id is not None:
        made["UserId"] = record.user_id
    return made


def face_match(match: FaceMatch) -> dict[str, Any]:
    """Return a FaceMatch."""
    return {"Similarity": percent(match.similarity), "Face": face_record(match.record)}


def user_match(match: UserMatch) -> dict[str, Any]:
    """Return a UserMatch."""
    user = {"UserId": match.user.user_id, "UserStatus": match.user.status}
    return {"Similarity": percent(match.similarity), "User": user}


def percent(value: float) -> float:
    """Return a Percent: 0-100."""
    return round(min(max(value, 0.0), 100.0), 4)


def shown_id(own: str) -> str:
    """Return an id of ours as a UUID with dashes."""
    return str(UUID(hex=own))


def own_id(shown: str) -> str:
    """Undo `shown_id`."""
    return shown.replace("-", "")


def model_version(model: str) -> str:
    """Return the numbers of a model's name: versions are digits and dots on the wire."""
    return ".".join(re.findall(r"\d+", model)) or "0"
