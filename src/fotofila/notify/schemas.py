"""What goes over the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

TargetKind = Literal["webhook", "apprise"]
EventType = Literal["job.done", "job.failed", "batch.done"]

Name = Annotated[str, Field(min_length=1, max_length=200, description="What people call it.")]
Url = Annotated[
    str,
    Field(
        min_length=1,
        max_length=2000,
        description="Webhook: an https:// URL. Apprise: `mailtos://…`, `tgram://…`, `slack://…`, and so on.",
    ),
]
Quiet = Annotated[
    int,
    Field(
        ge=0,
        le=3600,
        description="Gather events until it has been quiet for so many seconds, ten times as long at most, and send "
        "one message about all of them. 0: one message for each event.",
    ),
]


class Closed(BaseModel):
    """A body in which an unknown field is a mistake."""

    model_config = ConfigDict(extra="forbid")


class TargetCreate(Closed):
    """A new target."""

    name: Name
    kind: TargetKind
    url: Url
    enabled: bool = True


class TargetChange(Closed):
    """What is to be another."""

    name: Name | None = None
    url: Url | None = None
    enabled: bool | None = None
    rotate_secret: bool = Field(
        default=False,
        description="Webhook: make a new signing secret. The old one signs as well for 24 hours.",
    )


class TargetOut(BaseModel):
    """Where notifications go."""

    model_config = ConfigDict(from_attributes=True, title="Target")

    id: str
    name: str
    kind: TargetKind
    url: str = Field(description="An Apprise URL is shown with its secrets masked.")
    enabled: bool
    created_at: datetime


class TargetWithSecret(TargetOut):
    """A target, with the signing secret when it was made just now: it is shown once."""

    model_config = ConfigDict(from_attributes=True, title="TargetWithSecret")

    secret: str | None = Field(default=None, description="`whsec_…`, as Standard Webhooks has it.")


class RuleCreate(Closed):
    """A new rule."""

    event: EventType
    target_id: Annotated[str, Field(max_length=64)]
    quiet_seconds: Quiet = 0
    enabled: bool = True


class RuleChange(Closed):
    """What is to be another; for another event or target, make another rule."""

    quiet_seconds: Quiet | None = None
    enabled: bool | None = None


class RuleOut(BaseModel):
    """An event that is told to a target."""

    model_config = ConfigDict(from_attributes=True, title="Rule")

    id: str
    event: EventType
    target_id: str
    quiet_seconds: int
    enabled: bool


class Delivery(BaseModel):
    """One message to one target, and what became of it."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    target_id: str
    event_type: str = Field(description="An event, or `test`.")
    events: int = Field(description="How many events it tells of: more than one where a rule gathers them.")
    state: Literal["pending", "delivered", "failed"]
    attempts: int
    status_code: int | None
    error: str | None
    created_at: datetime
    next_attempt_at: datetime | None
    delivered_at: datetime | None
