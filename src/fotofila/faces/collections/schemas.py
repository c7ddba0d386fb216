"""What collections look like on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from fotofila.faces.collections.types import FailureReason, LeftOutReason, UserStatus
from fotofila.faces.face import Gender, LandmarkType

CollectionName = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[A-Za-z0-9_.\-]+$")]
PersonId = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9_.:\-]+$")]
FaceId = Annotated[str, Field(max_length=64)]
Threshold = Annotated[float, Field(ge=0, le=100)]
TagName = Annotated[str, Field(min_length=1, max_length=128)]
TagValue = Annotated[str, Field(max_length=256)]
Days = Annotated[int, Field(ge=1, le=36_500)]
Note = Annotated[str, Field(max_length=4000)]
FaceIds = Annotated[list[FaceId], Field(min_length=1, max_length=4096)]
MOST_TAGS = 200


class Strict(BaseModel):
    """A body whose misspelt fields are told rather than ignored."""

    model_config = ConfigDict(extra="forbid")


class Row(BaseModel):
    """An answer made from what the desk gives."""

    model_config = ConfigDict(from_attributes=True)


class CollectionOut(Row):
    """A collection."""

    id: str
    name: str
    created_at: datetime
    face_count: int
    user_count: int
    model: str = Field(
        description="The model whose vectors are compared; those of `rekognition-…` are kept at AWS, not here."
    )
    tags: dict[str, str]
    keep_chips: bool = Field(description="Keep an encrypted chip of each face, to embed it again with another model.")
    ttl_days: int | None = Field(description="Days after which a face is erased.")
    consent_note: str | None
    switched_on: bool = Field(description="Faces are recognised here although the workspace's switch is off.")
    changing_model: bool = Field(description="A change of model is under way: GET …/model says how far it is.")


class CollectionIn(Strict):
    """A collection to be made."""

    name: CollectionName
    tags: dict[TagName, TagValue] = Field(default_factory=dict, max_length=MOST_TAGS)
    keep_chips: bool = True
    ttl_days: Days | None = None
    consent_note: Note | None = None
    switched_on: bool = Field(default=False, description="Needs the scope `admin`; it is written to the audit log.")


class CollectionChange(Strict):
    """What is to be changed; what is left out stays."""

    tags: dict[TagName, TagValue | None] = Field(
        default_factory=dict, max_length=MOST_TAGS, description="Null takes a tag away."
    )
    keep_chips: bool | None = Field(default=None, description="False erases the chips that are there.")
    ttl_days: Days | None = None
    consent_note: Note | None = None
    switched_on: bool | None = Field(default=None, description="Needs the scope `admin`.")


class BoxOut(Row):
    """Ratios of the upright picture; they may leave 0-1 at its border."""

    left: float
    top: float
    width: float
    height: float


class PointOut(Row):
    """A landmark, in ratios of the upright picture."""

    type: LandmarkType
    x: float
    y: float


class PoseOut(Row):
    """Degrees."""

    roll: float
    yaw: float
    pitch: float


class QualityOut(Row):
    """0-100 each."""

    brightness: float
    sharpness: float


class AgeOut(Row):
    """Years."""

    low: int
    high: int


class GenderOut(Row):
    """What the face looks like to a model."""

    value: Gender
    confidence: float


class FaceOut(Row):
    """A face, as in the answers about photos."""

    bounding_box: BoxOut
    confidence: float
    landmarks: list[PointOut]
    pose: PoseOut
    quality: QualityOut
    age_range: AgeOut | None
    apparent_gender: GenderOut | None


class SeenFaceOut(Row):
    """A face that was searched with, or compared: where it is, and whatever else the engine says of it."""

    bounding_box: BoxOut
    confidence: float
    landmarks: list[PointOut] = Field(description="Empty where the engine gives none.")
    pose: PoseOut | None
    quality: QualityOut | None
    age_range: AgeOut | None
    apparent_gender: GenderOut | None


class CollectionFaceOut(Row):
    """A face of a collection."""

    face_id: str
    image_id: str = Field(description="One for all faces of one image.")
    external_image_id: str | None
    user_id: str | None
    photo_id: str | None = Field(description="The stored photo that it was indexed from.")
    face: FaceOut
    model: str
    indexed_at: datetime
    expires_at: datetime | None
    has_chip: bool = Field(description="An aligned picture of it is kept: `…/faces/{face_id}/chip`.")


class LeftOutOut(Row):
    """A face that was not used, and why."""

    face: FaceOut
    reasons: list[LeftOutReason]


class IndexedOut(BaseModel):
    """What became of an image."""

    faces: list[CollectionFaceOut]
    left_out: list[LeftOutOut]
    duplicates: bool = Field(description="The image was known with this external id, and no face of it was new.")
    model: str


class MatchOut(BaseModel):
    """A face that was found."""

    face: CollectionFaceOut
    similarity: float = Field(
        description=(
            "0-100: 80 is reached by 1 of 1,000 pairs of strangers, 99 by 1 of 100,000. Of a model `rekognition-…` it "
            "is what Amazon means by it."
        )
    )


class FaceMatches(BaseModel):
    """Whom a face of the collection is like."""

    matches: list[MatchOut]
    model: str


class SearchedFaceOut(BaseModel):
    """A face of the image, and whom it is like."""

    face: SeenFaceOut
    matches: list[MatchOut]


class SearchedOut(BaseModel):
    """What became of an image that was searched with."""

    faces: list[SearchedFaceOut]
    model: str


class PersonOut(Row):
    """A user of a collection: a person who is known by several faces."""

    user_id: str
    status: UserStatus
    face_count: int


class PersonDetail(PersonOut):
    """A user with the ids of the faces."""

    face_ids: list[str]


class PersonIn(Strict):
    """A user to be made."""

    user_id: PersonId


class FacesIn(Strict):
    """Faces of the collection."""

    face_ids: FaceIds


class AssociateIn(FacesIn):
    """Faces that are to belong to a user."""

    threshold: Threshold = Field(default=75.0, description="Least similarity to the faces that the user has.")


class NotDoneOut(Row):
    """A face with which it was not done, and why."""

    face_id: str
    reasons: list[FailureReason]
    user_id: str | None
    similarity: float | None


class DeletedOut(Row):
    """Faces that are gone, and those that are not."""

    face_ids: list[str]
    not_done: list[NotDoneOut]


class AssociatedOut(DeletedOut):
    """Faces for which it was done, and those for which not."""

    status: UserStatus


class PersonMatchOut(Row):
    """A user that was found."""

    user: PersonOut
    similarity: float


class SearchedPersons(Row):
    """Users that a face, a user or an image is like."""

    face: SeenFaceOut | None = Field(description="Of the image: the face that was searched with.")
    matches: list[PersonMatchOut]
    left_out: list[LeftOutOut]
    model: str


class ComparedFaceOut(Row):
    """A face of the target."""

    face: FaceOut
    similarity: float


class ComparedOut(Row):
    """The largest face of one image against every face of another."""

    source: SeenFaceOut
    matches: list[ComparedFaceOut]
    unmatched: list[FaceOut]
    model: str
