"""What failures look like on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field, model_validator

from fotofila.library.schemas import Out, PhotoOut


class FailureOut(Out):
    """An execution that failed for good."""

    id: str
    job_id: str
    photo_id: str | None
    kind: str
    round: int
    attempt: int
    code: str
    sentence: str
    permanent: bool
    state: Literal["open", "redriven", "purged"]
    created_at: datetime
    redriven_at: datetime | None


class FailureDetail(FailureOut):
    """A failure with everything that explains it."""

    stack: str | None
    payload: dict[str, Any]
    photo: PhotoOut | None
    history: list[FailureOut]


class FailureFilter(BaseModel):
    """Which failures are meant."""

    code: str | None = Field(None, max_length=64)
    since: datetime | None = Field(None, alias="from")
    until: datetime | None = Field(None, alias="to")


class Selection(BaseModel):
    """Some failures by id, or all that a filter finds, up to a cap."""

    ids: list[str] | None = Field(None, max_length=10_000)
    filter: FailureFilter | None = None
    cap: int = Field(1000, ge=1, le=100_000, description="Most failures that a filter may take.")

    @model_validator(mode="after")
    def _one_of_both(self) -> Selection:
        if (self.ids is None) == (self.filter is None):
            raise ValueError("give either `ids` or `filter`")
        return self


class Redriven(Out):
    """What became of a selection."""

    redriven: int
    skipped: int


class Purged(Out):
    """How many failures are out of sight."""

    purged: int


class PolicyIn(BaseModel):
    """When failures of one code redrive themselves."""

    wait_seconds: int = Field(ge=0, le=30 * 86400)
    times: int = Field(ge=1, le=100)
    enabled: bool = True


class PolicyOut(Out):
    """A redrive policy."""

    code: str
    wait_seconds: int
    times: int
    enabled: bool
