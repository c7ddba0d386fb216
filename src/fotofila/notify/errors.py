"""The errors of notifications."""

from __future__ import annotations

from fotofila.core.errors import FotofilaError, InvalidInputError


class AddressRefusedError(InvalidInputError):
    """The address is private, or otherwise not of the public internet, and private ones are not allowed."""

    code = "address_refused"


class TargetUrlError(InvalidInputError):
    """The URL of a target cannot be used."""

    code = "target_url"


class LimitReachedError(InvalidInputError):
    """The workspace has as many targets or rules as one may have."""

    code = "limit_reached"


class SendError(FotofilaError):
    """A notification did not arrive. The message is kept in the delivery log."""

    code = "notification_failed"
    status = 502
    title = "The notification did not arrive"

    def __init__(self, message: str, *, final: bool = False, retry_after_seconds: float = 0) -> None:
        super().__init__(message)
        self.final = final
        """Trying again cannot help."""
        self.retry_after_seconds = retry_after_seconds
