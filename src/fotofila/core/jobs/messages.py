"""The messages between the parts of the pipeline. Readers ignore unknown fields, writers only add."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from fotofila.core.errors import FotofilaError

SCHEMA = 1


class UnreadableMessageError(FotofilaError):
    """A message that no version of ours wrote."""

    code = "unreadable_message"
    permanent = True


class Message(BaseModel):
    """What every message carries."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: int = Field(SCHEMA, alias="schema", serialization_alias="schema")
    id: str
    kind: str
    kind_version: int
    job_id: str
    owner: str
    round: int
    attempt: int
    dispatch: int
    execution_id: str = ""
    sequence: int = 0
    traceparent: str | None = None
    created_at: datetime

    def dump(self) -> bytes:
        """Write as JSON."""
        return self.model_dump_json(by_alias=True).encode()


class Source(BaseModel):
    """The original that a job works on."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    photo_id: str
    key: str
    media_type: str
    size_bytes: int
    checksum_sha256: str


class ProcessMessage(Message):
    """Work to be done."""

    lane: str
    max_attempts: int
    args: dict[str, Any]
    source: Source | None = None


class ErrorInfo(BaseModel):
    """Why an execution did not succeed."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    code: str
    sentence: str
    permanent: bool
    error_class: str = "default"
    stack: str | None = None


class Rendition(BaseModel):
    """A file that an execution left in storage."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    key: str
    media_type: str
    size_bytes: int
    width: int | None = None
    height: int | None = None


class Started(Message):
    """A worker began."""

    type: Literal["started"] = "started"
    worker: str = ""


class Report(Message):
    """What became of an execution. It tells also who began it, and when: quick work tells of its beginning only so."""

    worker: str = ""
    started_at: datetime | None = None


class Progress(Message):
    """How far it is, 0 to 1."""

    type: Literal["progress"] = "progress"
    progress: float


class Heartbeat(Message):
    """It is still being worked on."""

    type: Literal["heartbeat"] = "heartbeat"


class Retrying(Report):
    """It did not work and should be tried again, or (snoozed) could not be tried at all."""

    type: Literal["retrying"] = "retrying"
    error: ErrorInfo
    wait_seconds: float | None = None
    snooze: bool = False


class Finished(Report):
    """It is done. `result` is inline, or under `claim_key` in storage when it is large."""

    type: Literal["finished"] = "finished"
    result: dict[str, Any] | None = None
    claim_key: str | None = None
    renditions: tuple[Rendition, ...] = ()
    seconds: float = 0.0
    timings: dict[str, float] = Field(default_factory=dict)


class Cancelled(Report):
    """It was stopped because nobody wants it any more."""

    type: Literal["cancelled"] = "cancelled"
    reason: str = ""


class Failed(Report):
    """It failed for good; travels on the failures queue with the message that failed."""

    type: Literal["failed"] = "failed"
    error: ErrorInfo
    payload: dict[str, Any]


Result = Started | Progress | Heartbeat | Retrying | Finished | Cancelled
_results: TypeAdapter[Result] = TypeAdapter(Annotated[Result, Field(discriminator="type")])


def read_process(payload: bytes) -> ProcessMessage:
    """Read a process message; one of a higher schema can be read too, but only its own version may work on it.

    Raises:
        UnreadableMessageError: it is none.
    """
    try:
        return ProcessMessage.model_validate_json(payload)
    except ValidationError as error:
        if (envelope := read_newer(payload)) is not None:
            return ProcessMessage.model_construct(**envelope.model_dump(), lane="", max_attempts=1, args={})
        raise UnreadableMessageError(f"A message in the work queue cannot be read: {summary(error)}.") from error


def read_newer(payload: bytes) -> Message | None:
    """Read the envelope of a message of a higher schema, whose writer may have changed all else; None for any other."""
    try:
        envelope = Message.model_validate_json(payload)
    except ValidationError:
        return None
    return envelope if envelope.schema_version > SCHEMA else None


def read_result(payload: bytes) -> Result:
    """Read a result message; raises as `read_process` does."""
    try:
        return _results.validate_json(payload)
    except ValidationError as error:
        raise UnreadableMessageError(f"A message in the results queue cannot be read: {summary(error)}.") from error


def read_failed(payload: bytes) -> Failed:
    """Read a failure message; raises as `read_process` does."""
    try:
        return Failed.model_validate_json(payload)
    except ValidationError as error:
        raise UnreadableMessageError(f"A message in the failures queue cannot be read: {summary(error)}.") from error


def summary(error: ValidationError) -> str:
    """Name what is wrong without repeating the message."""
    first = error.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(str(part) for part in first['loc']) or 'message'}: {first['msg']}"
