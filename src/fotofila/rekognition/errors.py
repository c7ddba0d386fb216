"""Errors in the names of AWS, and what ours are called there."""

from __future__ import annotations

from collections.abc import Mapping

from fotofila.core.errors import FotofilaError

FAULT = "InternalServerError"
"""The only one that is answered with 500, and so tried again by every client."""
DECLARED_BY_ALL = frozenset(
    {
        "AccessDeniedException",
        "InternalServerError",
        "InvalidParameterException",
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
    }
)
COMMON = frozenset(
    {
        "IncompleteSignatureException",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "RequestEntityTooLargeException",
        "RequestTimeoutException",
        "SerializationException",
        "UnknownOperationException",
        "UnrecognizedClientException",
        "ValidationException",
    }
)
"""What any service of AWS may answer, whether an operation declares it or not."""

OURS = 500
"""Statuses from here on are no fault of the client's."""


class AwsError(FotofilaError):
    """An answer in the words of AWS."""

    def __init__(self, name: str, message: str, *, http_status: int | None = None) -> None:
        super().__init__(message)
        self.name = name
        self.http_status = http_status or (500 if name == FAULT else 400)


NAMES: Mapping[str, str] = {
    "busy": "ThrottlingException",
    "collection_exists": "ResourceAlreadyExistsException",
    "collection_user_exists": "ConflictException",
    "conflict": "ConflictException",
    "face_not_found": "InvalidParameterException",
    "forbidden": "AccessDeniedException",
    "idempotency_mismatch": "IdempotentParameterMismatchException",
    "idempotency_running": "ThrottlingException",
    "overloaded": "ThrottlingException",
    "quota_exceeded": "ServiceQuotaExceededException",
    "rate_limited": "ProvisionedThroughputExceededException",
    "recognition_off": "AccessDeniedException",
    "image_too_large": "ImageTooLargeException",
    "too_many_pixels": "ImageTooLargeException",
}
"""By our code, where the code says more than the status does."""
IMAGE_CODES = frozenset(
    {
        "corrupt_image",
        "empty_file",
        "invalid_image",
        "malformed_image",
        "raw_not_supported_yet",
        "truncated_image",
        "unsupported_image",
        "unsupported_media_type",
    }
)
BY_STATUS: Mapping[int, str] = {
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    409: "ConflictException",
    429: "ProvisionedThroughputExceededException",
}
NO_FACES = "There are no faces in the image. Should be at least 1."
BAD_FORMAT = "Request has invalid image format"


def translated(error: FotofilaError, declared: frozenset[str]) -> AwsError:
    """Return an error as an operation declares it; what it does not declare is a wrong parameter, or our fault."""
    if isinstance(error, AwsError):
        return error
    name, message = named(error)
    if name == "ConflictException" and "ResourceAlreadyExistsException" in declared:
        name = "ResourceAlreadyExistsException"
    if name in declared or name in DECLARED_BY_ALL:
        return AwsError(name, message)
    return AwsError("InvalidParameterException", message)


def named(error: FotofilaError) -> tuple[str, str]:
    """Return AWS's name of an error of ours, and the sentence."""
    if error.code == "no_face":
        return "InvalidParameterException", NO_FACES
    if error.code in IMAGE_CODES:
        return "InvalidImageFormatException", f"{BAD_FORMAT}: {error.message}"
    if name := NAMES.get(error.code) or BY_STATUS.get(error.status):
        return name, error.message
    return (FAULT if error.status >= OURS else "InvalidParameterException"), error.message
