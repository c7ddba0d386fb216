"""How executions go wrong without the job's own doing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from fotofila.core.errors import FotofilaError, UnavailableError


class UnexpectedError(FotofilaError):
    """Code that was not meant to raise did."""

    code = "unexpected_error"


class OutOfMemoryError(FotofilaError):
    """The picture needs more memory than a child may take."""

    code = "out_of_memory"
    retry_class = "limits"
    max_attempts = 2

    def __init__(self) -> None:
        super().__init__(
            "The picture needs more memory than is allowed: make it smaller, or raise FOTOFILA_CHILD_MEMORY_MB."
        )


class TimedOutError(FotofilaError):
    """The work took longer than it may."""

    code = "timed_out"
    retry_class = "limits"
    max_attempts = 2


class CrashedError(FotofilaError):
    """The child ended without an answer."""

    code = "crashed"
    retry_class = "crashed"


class BusyError(FotofilaError):
    """Every child is at work."""

    code = "busy"
    status = 503
    title = "Busy"
    retry_class = "unavailable"


class DirectError(FotofilaError):
    """What a child told us, raised again on our side."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        super().__init__(told["sentence"])
        self.code = told["code"]  # type: ignore[misc]
        self.permanent = told["permanent"]  # type: ignore[misc]
        self.retry_class = told.get("error_class", "default")  # type: ignore[misc]
        self.max_attempts = told.get("max_attempts")  # type: ignore[misc]
        self.status = 422 if self.permanent else 503  # type: ignore[misc]
        self.title = "The picture cannot be analysed"  # type: ignore[misc]


def result_of(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result in a child's answer.

    Raises:
        DirectError: it told of an error, or would rather be asked again later.
    """
    if answer["outcome"] != "done":
        told = answer.get("error") or {"code": answer["outcome"], "sentence": answer["reason"], "permanent": False}
        raise DirectError(told)
    result: dict[str, Any] = answer["result"]
    return result


class StorageAwayError(UnavailableError):
    """The storage of originals and results does not answer."""

    code = "storage_away"


@contextmanager
def needing_storage() -> Iterator[None]:
    """Tell the storage's absence from that of the queue: of this one a worker can still report."""
    try:
        yield
    except UnavailableError as error:
        raise StorageAwayError(error.message) from error
