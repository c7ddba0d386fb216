"""What Rekognition says of faces, in our words: percentages of certainty become 0-1, ids lose their dashes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from fotofila.faces.collections.types import LeftOut
from fotofila.faces.engine.base import Added, AddedFaces, FaceLikeness, KnownFace, KnownMatch, Likeness, Searched
from fotofila.faces.face import (
    LANDMARK_TYPES,
    AgeRange,
    ApparentGender,
    BoundingBox,
    Face,
    Landmark,
    LandmarkType,
    Pose,
    Quality,
)

Answer = Mapping[str, Any]

GENDER_FROM_YEARS = 16
"""As with our own models: `faces.attributes`."""

NAMES: Mapping[str, LandmarkType] = {
    "eyeLeft": "eye_left",
    "eyeRight": "eye_right",
    "nose": "nose",
    "mouthLeft": "mouth_left",
    "mouthRight": "mouth_right",
}
"""Rekognition means left as the viewer sees it, as we do; of its thirty points these are ours."""


def face(told: Answer) -> Face:
    """Read a FaceDetail or a ComparedFace."""
    points = {NAMES[each["Type"]]: each for each in told.get("Landmarks", ()) if each["Type"] in NAMES}
    pose, quality = told.get("Pose", {}), told.get("Quality", {})
    age = AgeRange(low=told["AgeRange"]["Low"], high=told["AgeRange"]["High"]) if told.get("AgeRange") else None
    return Face(
        bounding_box=box(told),
        confidence=confidence(told),
        landmarks=tuple(
            Landmark(type=name, x=points[name]["X"], y=points[name]["Y"]) for name in LANDMARK_TYPES if name in points
        ),
        pose=Pose(roll=pose.get("Roll", 0.0), yaw=pose.get("Yaw", 0.0), pitch=pose.get("Pitch", 0.0)),
        quality=Quality(brightness=quality.get("Brightness", 0.0), sharpness=quality.get("Sharpness", 0.0)),
        age_range=age,
        apparent_gender=gender(told.get("Gender"), age),
    )


def gender(told: Answer | None, age: AgeRange | None) -> ApparentGender | None:
    """Read a Gender; of whom may be younger than we say it of, and of whom no age is told, nothing is said."""
    if not told or age is None or (age.low + age.high) / 2 < GENDER_FROM_YEARS:
        return None
    return ApparentGender(value="female" if told["Value"] == "Female" else "male", confidence=confidence(told))


def known_face(told: Answer, *, model: str = "") -> KnownFace:
    """Read a Face: one of a collection."""
    return KnownFace(
        face_id=own_id(told["FaceId"]),
        image_id=own_id(told["ImageId"]),
        external_image_id=told.get("ExternalImageId"),
        user_id=told.get("UserId"),
        bounding_box=box(told),
        confidence=confidence(told),
        model=model_of(told.get("IndexFacesModelVersion") or model),
    )


def added_faces(told: Answer) -> AddedFaces:
    """Read the answer of IndexFaces."""
    version = told.get("FaceModelVersion", "")
    return AddedFaces(
        added=tuple(
            Added(known=known_face(each["Face"], model=version), face=face(each["FaceDetail"]))
            for each in told.get("FaceRecords", ())
        ),
        left_out=tuple(
            LeftOut(face=face(each["FaceDetail"]), reasons=tuple(each.get("Reasons", ())))
            for each in told.get("UnindexedFaces", ())
        ),
        model=model_of(version),
    )


def known_matches(told: Answer) -> tuple[KnownMatch, ...]:
    """Read FaceMatches of a search, the most similar first."""
    version = told.get("FaceModelVersion", "")
    found = [
        KnownMatch(known=known_face(each["Face"], model=version), similarity=each["Similarity"])
        for each in told.get("FaceMatches", ())
    ]
    return tuple(sorted(found, key=lambda match: -match.similarity))


def searched(told: Answer) -> Searched:
    """Read the answer of SearchFacesByImage."""
    return Searched(
        bounding_box=read_box(told["SearchedFaceBoundingBox"]),
        confidence=told["SearchedFaceConfidence"] / 100,
        matches=known_matches(told),
        model=model_of(told.get("FaceModelVersion", "")),
    )


def likeness(told: Answer) -> Likeness:
    """Read the answer of CompareFaces."""
    source = told["SourceImageFace"]
    found = [
        FaceLikeness(face=face(each["Face"]), similarity=each["Similarity"]) for each in told.get("FaceMatches", ())
    ]
    return Likeness(
        bounding_box=box(source),
        confidence=confidence(source),
        matches=tuple(sorted(found, key=lambda match: -match.similarity)),
        unmatched=tuple(face(each) for each in told.get("UnmatchedFaces", ())),
    )


def box(told: Answer) -> BoundingBox:
    """Read the box of a face; it may leave 0-1."""
    return read_box(told["BoundingBox"])


def read_box(told: Answer) -> BoundingBox:
    """Read a BoundingBox."""
    return BoundingBox(left=told["Left"], top=told["Top"], width=told["Width"], height=told["Height"])


def confidence(told: Answer) -> float:
    """Read a percentage as 0-1."""
    return float(told["Confidence"]) / 100


def own_id(shown: str) -> str:
    """Write a UUID as we do: 32 hex digits."""
    return UUID(shown).hex


def shown_id(own: str) -> str:
    """Write an id as Rekognition does."""
    return str(UUID(hex=own))


def model_of(version: str) -> str:
    """Name the model of Amazon's by its version."""
    return f"rekognition-{version}" if version else "rekognition"
