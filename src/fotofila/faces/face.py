"""What is known of a face. Boxes and points are ratios of the upright picture; they may leave 0-1 at its border."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

LandmarkType = Literal["eye_left", "eye_right", "nose", "mouth_left", "mouth_right"]
LANDMARK_TYPES: tuple[LandmarkType, ...] = ("eye_left", "eye_right", "nose", "mouth_left", "mouth_right")
"""Left and right as the viewer sees them: `eye_left` is the leftmost eye of an upright face."""

Gender = Literal["female", "male"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundingBox:
    """A box in ratios of the picture's width and height."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Landmark:
    """A point in ratios of the picture's width and height."""

    type: LandmarkType
    x: float
    y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pose:
    """Where the head points, in degrees; see `pose.py` for the signs."""

    roll: float
    yaw: float
    pitch: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """How good the picture of the face is, 0-100 each."""

    brightness: float
    sharpness: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeRange:
    """Years, both ends included."""

    low: int
    high: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ApparentGender:
    """What the face looks like to a model, not what the person is; confidence 0.5-1."""

    value: Gender
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Face:
    """One face of one photo."""

    bounding_box: BoundingBox
    confidence: float
    """0-1: the share of such detections that are faces."""
    landmarks: tuple[Landmark, ...]
    """Five, in the order of `LANDMARK_TYPES`."""
    pose: Pose
    quality: Quality
    age_range: AgeRange | None = None
    age_years: float | None = None
    """The estimate that the range stands around; for figures, not for the wire."""
    apparent_gender: ApparentGender | None = None
    embedding: NDArray[np.float32] | None = None
    """(128,) of length 1, only where it was asked for. The dot product of two is their similarity, -1 to 1."""

    @property
    def has_embedding(self) -> bool:
        """Whether the face can be recognised."""
        return self.embedding is not None

    def to_json(self) -> dict[str, Any]:
        """The form on the wire; the embedding, where there is one, as base64 of 128 little-endian float16."""
        made = {
            "bounding_box": _rounded(asdict(self.bounding_box), 6),
            "confidence": round(self.confidence, 4),
            "landmarks": [_rounded(asdict(point), 6) for point in self.landmarks],
            "pose": _rounded(asdict(self.pose), 2),
            "quality": _rounded(asdict(self.quality), 2),
            "age_range": asdict(self.age_range) if self.age_range else None,
            "apparent_gender": _rounded(asdict(self.apparent_gender), 4) if self.apparent_gender else None,
            "has_embedding": self.has_embedding,
        }
        if self.embedding is not None:
            made["embedding"] = base64.b64encode(self.embedding.astype("<f2").tobytes()).decode("ascii")
        return made


def face_from_json(made: Mapping[str, Any]) -> Face:
    """The face that `Face.to_json` wrote, in the precision of the wire; unknown fields are ignored."""
    age, gender, embedding = made.get("age_range"), made.get("apparent_gender"), made.get("embedding")
    return Face(
        bounding_box=BoundingBox(**{key: made["bounding_box"][key] for key in ("left", "top", "width", "height")}),
        confidence=made["confidence"],
        landmarks=tuple(Landmark(type=p["type"], x=p["x"], y=p["y"]) for p in made["landmarks"]),
        pose=Pose(**{key: made["pose"][key] for key in ("roll", "yaw", "pitch")}),
        quality=Quality(**{key: made["quality"][key] for key in ("brightness", "sharpness")}),
        age_range=AgeRange(low=age["low"], high=age["high"]) if age else None,
        apparent_gender=ApparentGender(value=gender["value"], confidence=gender["confidence"]) if gender else None,
        embedding=embedding_from_base64(embedding) if embedding else None,
    )


def embedding_from_base64(text: str) -> NDArray[np.float32]:
    """The unit vector of the wire, brought back to length 1 after float16 rounded it."""
    vector = np.frombuffer(base64.b64decode(text), "<f2").astype(np.float32)
    unit: NDArray[np.float32] = vector / np.linalg.norm(vector)
    return unit


def _rounded(values: Mapping[str, Any], digits: int) -> dict[str, Any]:
    return {key: round(value, digits) if isinstance(value, float) else value for key, value in values.items()}
