"""What a child may answer. A decoder that was taken over answers what it likes, so nothing is believed unseen."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, NonNegativeFloat, TypeAdapter


class FileAnswer(BaseModel):
    """A rendition: bytes that came with the answer, by their place among them, or a file of the child's folder."""

    name: str
    media_type: str
    width: int | None
    height: int | None
    content: int = 0
    path: str = ""


class ErrorAnswer(BaseModel):
    """Why it did not work."""

    code: str
    sentence: str
    permanent: bool
    error_class: str
    max_attempts: int | None
    stack: str


class DoneAnswer(BaseModel):
    """It worked."""

    outcome: Literal["done"]
    result: dict[str, Any]
    renditions: list[FileAnswer]
    timings: dict[str, float]
    cpu_seconds: float


class ErredAnswer(BaseModel):
    """It did not."""

    outcome: Literal["retry", "discard"]
    error: ErrorAnswer


class SnoozeAnswer(BaseModel):
    """It cannot be done yet."""

    outcome: Literal["snooze"]
    seconds: NonNegativeFloat
    reason: str


class CancelAnswer(BaseModel):
    """Nobody wants it any more."""

    outcome: Literal["cancel"]
    reason: str


_ANSWER: TypeAdapter[Any] = TypeAdapter(
    Annotated[DoneAnswer | ErredAnswer | SnoozeAnswer | CancelAnswer, Field(discriminator="outcome")]
)


def with_contents(frame: dict[str, Any]) -> dict[str, Any]:
    """Return a child's answer, what came with it in the place of its numbers.

    Raises:
        ValueError: it is no answer.
    """
    attached = frame.pop("attached", [])
    _ANSWER.validate_python(frame, strict=True)
    for file in frame.get("renditions", ()):
        if "content" in file:
            if not 0 <= file["content"] < len(attached):
                raise ValueError("a child named what it did not attach")
            file["content"] = attached[file["content"]]
        elif "path" not in file:
            raise ValueError("a child named neither a file nor what it attached")
    return frame
