"""What collections give back. No table shows here: the wire, the page and the command line are made of these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from fotofila.faces.face import BoundingBox, Face

QualityFilter = Literal["NONE", "AUTO", "LOW", "MEDIUM", "HIGH"]
QUALITY_FILTERS: tuple[QualityFilter, ...] = ("NONE", "AUTO", "LOW", "MEDIUM", "HIGH")

LeftOutReason = Literal[
    "EXCEEDS_MAX_FACES",
    "EXTREME_POSE",
    "LOW_BRIGHTNESS",
    "LOW_SHARPNESS",
    "LOW_CONFIDENCE",
    "SMALL_BOUNDING_BOX",
    "LOW_FACE_QUALITY",
    "FACE_NOT_LARGEST",
]
"""Why a face was not indexed; `FACE_NOT_LARGEST` is of searches, which take the largest face alone."""

FailureReason = Literal[
    "FACE_NOT_FOUND",
    "ASSOCIATED_TO_AN_EXISTING_USER",
    "ASSOCIATED_TO_A_DIFFERENT_USER",
    "LOW_MATCH_CONFIDENCE",
]
"""Why something was not done to one face of several."""

UserStatus = Literal["ACTIVE", "UPDATING", "CREATING", "CREATED"]
"""`CREATED`: without faces; `ACTIVE`: with faces, and found by searches. Ours are never in between."""


ENGINE_MODELS = ("rekognition",)
"""How the names of models begin whose vectors lie at the engine: `rekognition-7.0`, by `FaceModelVersion`."""


def is_kept_by_engine(model: str) -> bool:
    """Say whether vectors of a model lie at the engine that made them, and not in our tables."""
    return model.partition("-")[0] in ENGINE_MODELS


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenFace:
    """A face of which an engine says where it is, and no more; it is not described any further."""

    bounding_box: BoundingBox
    confidence: float
    """0-1."""
    landmarks: tuple[()] = ()
    pose: None = None
    quality: None = None
    age_range: None = None
    apparent_gender: None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionInfo:
    """A collection as it is now."""

    id: str
    owner: str
    name: str
    created_at: datetime
    face_count: int
    user_count: int
    model: str
    """The model whose vectors searches compare."""
    tags: Mapping[str, str] = field(default_factory=dict)
    keep_chips: bool = True
    """Keep an aligned, encrypted chip of each face that has no photo, to embed it again with another model."""
    ttl_days: int | None = None
    """Days after which a face is erased; None keeps it."""
    consent_note: str | None = None
    switched_on: bool = False
    """Faces may be recognised here although the workspace's own switch is off."""
    revision: int = 0
    """Rises with every change of the vectors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceRecord:
    """A face of a collection."""

    face_id: str
    """32 hex digits."""
    image_id: str
    """32 hex digits, one for all faces of one image."""
    external_image_id: str | None
    user_id: str | None
    face: Face
    """Without its embedding."""
    model: str
    """The model that it was last embedded with."""
    indexed_at: datetime
    photo_id: str | None = None
    """The stored photo that it was indexed from."""
    expires_at: datetime | None = None
    has_chip: bool = False
    """An aligned chip of it is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceMatch:
    """A face that was found; similarity 0-100, calibrated, or as the engine means it that keeps the collection."""

    record: FaceRecord
    similarity: float


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRecord:
    """A person who is known by several faces."""

    user_id: str
    status: UserStatus
    face_ids: tuple[str, ...] = ()
    """Filled where one user was asked for, empty in lists and searches."""
    face_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class UserMatch:
    """A user who was found; similarity 0-100, as of faces."""

    user: UserRecord
    similarity: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A face of an image that was not used, and why."""

    face: Face
    reasons: tuple[LeftOutReason, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexed:
    """What became of an image that was indexed."""

    records: tuple[FaceRecord, ...]
    left_out: tuple[LeftOut, ...]
    duplicates: bool = False
    """The image was known with this external id, and no face of it was new."""
    model: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchedFace:
    """A face of an image and whom it is like, the most similar first."""

    face: Face | SeenFace
    matches: tuple[FaceMatch, ...]
    model: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchedUsers:
    """Users who are like a face, a user, or the largest face of an image; the most similar first."""

    matches: tuple[UserMatch, ...]
    face: Face | SeenFace | None = None
    """Of an image: the face that was searched; None where there was none."""
    left_out: tuple[LeftOut, ...] = ()
    """Of an image: the faces that were not searched."""
    model: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotDone:
    """A face of several with which something could not be done."""

    face_id: str
    reasons: tuple[FailureReason, ...]
    user_id: str | None = None
    similarity: float | None = None
    """To the user's other faces, where that was the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleted:
    """Faces that are gone, and those that are not."""

    face_ids: tuple[str, ...]
    not_done: tuple[NotDone, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Associated:
    """Faces that now belong to a user (or no longer do), and those for which that was refused."""

    face_ids: tuple[str, ...]
    not_done: tuple[NotDone, ...]
    status: UserStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedFace:
    """A face of the target image and its similarity, 0-100, to the largest face of the source image."""

    face: Face
    similarity: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The largest face of one image against every face of another, the most similar first."""

    source: Face | SeenFace
    matches: tuple[ComparedFace, ...]
    unmatched: tuple[Face, ...]
    model: str = ""
