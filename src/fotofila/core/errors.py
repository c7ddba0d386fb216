"""The errors of Fotofila. Each carries its own verdict, so that no caller has to guess.

An error says what it is for programs (`code`), for HTTP (`status`), for the queue (`permanent`: trying again cannot
help), and for people (the message, which names the mend). Services raise; only the API's problem handler and the
worker translate.
"""

from __future__ import annotations

from typing import Any, ClassVar


class FotofilaError(Exception):
    """Base of every error that Fotofila raises on purpose."""

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Something went wrong on our side"
    permanent: ClassVar[bool] = False
    retry_class: ClassVar[str] = "default"
    """Which back-off policy applies when the error is transient: see `core/jobs/backoff.py`."""

    max_attempts: ClassVar[int | None] = None
    """Fewer attempts than the setting allows, for errors that a second look rarely mends."""

    def __init__(self, message: str, *, headers: dict[str, str] | None = None, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.headers = headers or {}
        self.details = details


class BadRequestError(FotofilaError):
    """The request cannot be understood."""

    code = "bad_request"
    status = 400
    title = "The request cannot be understood"
    permanent = True


class InvalidInputError(FotofilaError):
    """The request is understood, but a value in it is wrong."""

    code = "invalid_input"
    status = 422
    title = "A value is not valid"
    permanent = True


class UnauthenticatedError(FotofilaError):
    """No credentials, or none that are known."""

    code = "unauthenticated"
    status = 401
    title = "Sign in first"
    permanent = True


class ForbiddenError(FotofilaError):
    """The credentials are known but do not reach this far."""

    code = "forbidden"
    status = 403
    title = "Not allowed"
    permanent = True


class NotFoundError(FotofilaError):
    """There is no such thing, or it belongs to another workspace: the answer is the same."""

    code = "not_found"
    status = 404
    title = "Not found"
    permanent = True


class ConflictError(FotofilaError):
    """The thing is not in a state in which this can be done."""

    code = "conflict"
    status = 409
    title = "Not possible now"
    permanent = True


class TooLargeError(FotofilaError):
    """The body is larger than the limit."""

    code = "too_large"
    status = 413
    title = "Too large"
    permanent = True


class QuotaExceededError(FotofilaError):
    """The workspace has used what it was given."""

    code = "quota_exceeded"
    status = 403
    title = "Quota used up"
    permanent = True


class RateLimitedError(FotofilaError):
    """Too many requests; `Retry-After` says when the next one is welcome."""

    code = "rate_limited"
    status = 429
    title = "Too many requests"


class UnavailableError(FotofilaError):
    """A part that we need does not answer at the moment."""

    code = "unavailable"
    status = 503
    title = "Not available at the moment"
    retry_class = "unavailable"


class StorageFullError(FotofilaError):
    """The disk, or the bucket, takes no more."""

    code = "storage_full"
    status = 507
    title = "No space left"
    retry_class = "unavailable"
