"""What photos, jobs and batches look like on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from fotofila.api.problems import Problem
from fotofila.core.jobs.states import JobState


class Out(BaseModel):
    """Base of answers."""

    model_config = ConfigDict(from_attributes=True)


class JobError(Out):
    """Why a job failed, or why its last attempt did."""

    code: str
    sentence: str
    permanent: bool


class JobOut(Out):
    """A job."""

    id: str
    kind: str
    state: JobState
    lane: str
    round: int
    attempt: int
    max_attempts: int
    progress: float | None = Field(description="0 to 1.")
    photo_id: str | None
    batch_id: str | None
    created_at: datetime
    scheduled_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    error: JobError | None


class Camera(Out):
    """What took the photo."""

    make: str | None
    model: str | None
    lens: str | None


class Gps(Out):
    """Where it was taken: degrees (WGS 84) and metres."""

    latitude: float
    longitude: float
    altitude: float | None


class Links(Out):
    """Where to go from a photo."""

    self: str
    image: str
    thumbnail: str
    annotated: str | None


class PhotoOut(Out):
    """A photo."""

    id: str
    filename: str
    media_type: str
    size_bytes: int
    checksum_sha256: str
    width: int | None = Field(description="Of the upright picture, in pixels; null until it was read.")
    height: int | None
    orientation: int | None = Field(description="EXIF orientation, 1 to 8, that was applied.")
    taken_at: str | None = Field(description="ISO 8601; with an offset only where the camera wrote one.")
    camera: Camera | None
    gps: Gps | None
    face_count: int | None
    batch_id: str | None
    created_at: datetime
    job: JobOut | None
    links: Links


class PhotoDetail(PhotoOut):
    """A photo with everything that was found in it; other capabilities may add what they know."""

    model_config = ConfigDict(from_attributes=True, extra="allow")

    faces: list[dict[str, Any]]
    exif: dict[str, Any] | None


class Upload(Out):
    """What became of one uploaded file."""

    photo: PhotoOut
    job: JobOut
    duplicate: bool = Field(description="True when the same bytes were known: the answer is the first photo.")


class UploadItem(Out):
    """What became of one file of several."""

    filename: str | None
    status: int
    photo: PhotoOut | None = None
    job: JobOut | None = None
    duplicate: bool = False
    problem: Problem | None = None


class UploadList(Out):
    """What became of several files."""

    items: list[UploadItem]


class Analysis(Out):
    """What was found in a photo that is not kept."""

    stored: bool = False
    width: int | None
    height: int | None
    faces: list[dict[str, Any]]


class BatchIn(BaseModel):
    """A new batch."""

    name: str | None = Field(None, max_length=200)
    expected: int | None = Field(None, ge=1, le=10_000_000, description="Photos that will come, when that is known.")


class BatchChange(BaseModel):
    """What turned out otherwise: photos that were refused, or known before, never come."""

    expected: int = Field(ge=0, le=10_000_000, description="Photos that will have come in the end.")


class BatchOut(Out):
    """A batch: X of Y, and how long it will take."""

    id: str
    name: str | None
    total: int
    done: int
    failed: int
    cancelled: int
    pending: int
    created_at: datetime
    finished_at: datetime | None
    eta_seconds: float | None


class Hop(Out):
    """One hop of a job."""

    at: datetime
    hop: str
    round: int
    attempt: int
    milliseconds: float = Field(description="Since the hop before.")
    detail: dict[str, Any] | None


class Timeline(Out):
    """Every hop of a job, oldest first."""

    items: list[Hop]
