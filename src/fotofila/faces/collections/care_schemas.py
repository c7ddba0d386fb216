"""What care looks like on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, Field, model_validator

from fotofila.faces.collections.schemas import CollectionName, FaceId, PersonId, Row, Strict

ImageName = Annotated[str, Field(min_length=1, max_length=255)]
Reason = Annotated[str, Field(max_length=1000)]
Words = Annotated[str, Field(min_length=1, max_length=4000)]


class PersonToErase(Strict):
    """Who is to be erased: everything that fits any of these."""

    user_id: PersonId | None = None
    external_image_id: ImageName | None = None
    face_ids: list[FaceId] = Field(default_factory=list, max_length=4096)

    @model_validator(mode="after")
    def _names_somebody(self) -> PersonToErase:
        if self.user_id is None and self.external_image_id is None and not self.face_ids:
            message = "name at least one of user_id, external_image_id and face_ids"
            raise ValueError(message)
        return self


class ErasureIn(Strict):
    """What is to be erased: exactly one of these."""

    person: PersonToErase | None = Field(default=None, description="A person, from all collections of the workspace.")
    collection: CollectionName | None = Field(default=None, description="A collection with everything in it.")
    photo_embeddings: Literal[True] | None = Field(
        default=None, description="The vectors of the faces in photos, made while the workspace's switch was on."
    )
    everything: Literal[True] | None = Field(default=None, description="All collections, and the vectors in photos.")
    reason: Reason | None = Field(default=None, description="Told in the receipt.")

    @model_validator(mode="after")
    def _is_one_thing(self) -> ErasureIn:
        given = (self.person, self.collection, self.photo_embeddings, self.everything)
        if sum(each is not None for each in given) != 1:
            message = "give exactly one of person, collection, photo_embeddings and everything"
            raise ValueError(message)
        return self


class ErasedCounts(BaseModel):
    """How much was erased."""

    collections: int = Field(description="Collections in which there was something.")
    faces: int
    vectors: int = Field(description="Of every model.")
    chips: int
    users: int
    consents: int
    photo_embeddings: int


class ErasureOut(BaseModel):
    """An erasure."""

    id: str
    at: str = Field(json_schema_extra={"format": "date-time"})
    what: Literal["person", "collection", "photo_embeddings", "everything"]
    reason: str | None
    counts: ErasedCounts
    state: Literal["erasing", "done"] = Field(
        description="`erasing`: it is out of sight, and being deleted row by row; counts are expected ones."
    )
    receipt: dict[str, Any] | None = Field(
        description="The signed receipt; null until all is gone, and for the moment until its audit entry is chained."
    )


class ConsentIn(Strict):
    """A note that somebody agreed to be recognised."""

    kind: Literal["face_id", "user_id", "external_image_id"] = Field(description="What `subject` is.")
    subject: ImageName
    text: Words = Field(description="What they agreed to, in the words that they saw.")
    given_by: ImageName | None = Field(default=None, description="Who agreed, where it was not the person.")
    given_at: AwareDatetime | None = Field(default=None, description="When; now where it is left out.")


class ConsentOut(Row):
    """A note that somebody agreed to be recognised."""

    id: str
    kind: Literal["face_id", "user_id", "external_image_id"]
    subject: str
    text: str
    given_by: str | None
    given_at: datetime
    recorded_at: datetime
    withdrawn_at: datetime | None


class BiometricsOut(Row):
    """What a workspace keeps of faces that lets them be recognised."""

    face_recognition: bool = Field(description="The workspace's switch.")
    photo_embeddings: int = Field(description="Faces in photos with a vector.")
    collections: int
    collections_switched_on: int = Field(description="Those that recognise faces although the switch is off.")
    faces: int
    vectors: int
    chips: int
    users: int
    consents: int
    next_expiry_at: datetime | None = Field(description="When the next face is out of time.")
