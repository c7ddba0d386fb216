"""What uploads look like on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from fotofila.api.problems import Problem
from fotofila.library.schemas import Out


class UploadIn(BaseModel):
    """A file that will come."""

    filename: str | None = Field(None, max_length=1024)
    media_type: str | None = Field(None, max_length=128, description="As a `Content-Type`; the bytes must agree.")
    size_bytes: int = Field(ge=0, le=2**53)
    checksum_sha256: str = Field(pattern="^[0-9a-f]{64}$")
    batch_id: str | None = Field(None, max_length=64)


class UploadTarget(Out):
    """Where the bytes go: one request, made exactly so, without credentials."""

    id: str
    method: Literal["PUT", "POST"]
    url: str
    headers: dict[str, str] = Field(description="To send along exactly so.")
    fields: dict[str, str] = Field(description="POST only: form fields to send before the part `file`.")
    expires_at: datetime = Field(description="The request must have begun by then.")


class UploadOut(Out):
    """How an upload stands."""

    id: str
    kind: Literal["direct", "tus"]
    state: Literal["open", "done", "refused"]
    filename: str | None
    media_type: str | None
    size_bytes: int
    offset_bytes: int = Field(description="How many bytes are durable; a direct upload has none or all.")
    checksum_sha256: str | None
    batch_id: str | None
    photo_id: str | None
    duplicate: bool | None = Field(description="True when the same bytes were known: the photo is the first one.")
    problem: Problem | None = Field(description="Why the content was refused.")
    created_at: datetime
    expires_at: datetime
