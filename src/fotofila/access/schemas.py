"""What access says on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StrictBool, model_validator
from pydantic.json_schema import SkipJsonSchema

from fotofila.access.scopes import Role, Scope

Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"\S")]
Password = Annotated[str, Field(min_length=10, max_length=256)]
MAX_DAYS = 36_500
MAX_COUNT = 2**53 - 1
"""Largest integer that JavaScript reads exactly."""


class Strict(BaseModel):
    """A body whose misspelt fields are told rather than ignored."""

    model_config = ConfigDict(extra="forbid")


class Row(BaseModel):
    """An answer made from a row."""

    model_config = ConfigDict(from_attributes=True)


class Key(Row):
    """An API key, without what proves it."""

    id: str
    name: str
    prefix: str = Field(description="The eight characters after `ff_` that tell keys apart.")
    scopes: list[Scope]
    created_at: datetime
    last_used_at: datetime | None = Field(description="To the minute.")
    expires_at: datetime | None


class KeyShown(Key):
    """A new API key; `key` is shown this once."""

    key: str


class AwsKey(Row):
    """An access key for programs that sign their requests as AWS demands, without its secret."""

    id: str
    name: str
    access_key_id: str
    scopes: list[Scope]
    created_at: datetime
    last_used_at: datetime | None = Field(description="To the minute.")
    expires_at: datetime | None


class AwsKeyShown(AwsKey):
    """A new access key; its secret is shown this once."""

    secret_access_key: str


class KeyNew(Strict):
    """An API key to make."""

    name: Name
    scopes: list[Scope] = Field(min_length=1, max_length=4)
    expires_at: AwareDatetime | None = None


class Rotation(Strict):
    """How to rotate a key."""

    overlap_seconds: int = Field(
        default=0, ge=0, le=2_592_000, strict=True, description="For how long the old key works on; 30 days at most."
    )


class User(Row):
    """A user."""

    id: str
    username: str
    role: Role
    created_at: datetime
    last_login_at: datetime | None


class UserNew(Strict):
    """A user to add."""

    username: str = Field(min_length=1, max_length=64, pattern=r"^[\w.@+-]+$")
    password: Password
    role: Role = "viewer"


class UserChange(Strict):
    """What to change of a user; what is left out, or null, stays. A new password ends the user's sessions."""

    role: Role | None = None
    password: Password | None = None


class Credentials(Strict):
    """A user name and its password."""

    username: str = Field(max_length=256)
    password: str = Field(max_length=1024)


class LinkToken(Strict):
    """The token of a one-time sign-in link."""

    token: str = Field(max_length=256)


class SessionUser(Row):
    """Who is signed in."""

    id: str
    username: str
    role: Role


class SessionWorkspace(Row):
    """Where."""

    id: str
    name: str


class Session(BaseModel):
    """A session: who is signed in, where, and what they may do."""

    user: SessionUser
    workspace: SessionWorkspace
    scopes: list[Scope]


class Usage(Row):
    """What a workspace has stored."""

    photos: int
    bytes: int


class Workspace(Row):
    """The settings of a workspace, and what it uses."""

    id: str
    name: str
    face_recognition: bool
    age: bool
    gender: bool
    detection: Literal["accurate", "fast"]
    retention_days: int | None
    quota_photos: int | None
    quota_bytes: int | None
    usage: Usage


T = TypeVar("T")
Unset = Annotated[T | SkipJsonSchema[None], Field(default_factory=lambda: None)]
"""A field that may be left out, but not be null."""


class WorkspaceChange(Strict):
    """What to change of a workspace; what is left out stays. Null takes a retention or quota away."""

    name: Unset[Name]
    face_recognition: Unset[StrictBool]
    age: Unset[StrictBool]
    gender: Unset[StrictBool]
    detection: Unset[Literal["accurate", "fast"]]
    retention_days: Annotated[int, Field(ge=1, le=MAX_DAYS, strict=True)] | None = None
    quota_photos: Annotated[int, Field(ge=0, le=MAX_COUNT, strict=True)] | None = None
    quota_bytes: Annotated[int, Field(ge=0, le=MAX_COUNT, strict=True)] | None = None

    @model_validator(mode="after")
    def _no_null(self) -> WorkspaceChange:
        for name in ("name", "face_recognition", "age", "gender", "detection"):
            if name in self.model_fields_set and getattr(self, name) is None:
                message = f"{name} may be left out, but not be null"
                raise ValueError(message)
        return self
