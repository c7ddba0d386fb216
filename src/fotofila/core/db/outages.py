"""What a database's trouble means in our words: is it away, is it full, or was it asked something impossible?

PostgreSQL tells by its error codes (appendix A of its manual), SQLite by text alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy.exc import DataError as DataErrorOfDriver
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from fotofila.core.errors import ConflictError, FotofilaError, InvalidInputError, StorageFullError, UnavailableError

RETRY_SECONDS = "5"
CHANGED = "0A000"
"""The tables were changed under a prepared statement (and nothing else that we ask for)."""
AWAY = ("08", "53", "57", "58", "40", "55P03", "25P03", "25P04", "25006", "28", "3D", "42501", CHANGED)
"""Beginnings of codes that say: not now, or not with this URL. Connections, resources, operators, deadlocks, locks,
time limits, a standby; passwords, missing databases, missing rights; tables that changed."""
FULL = ("53100",)


NO_ANSWER = (OperationalError, InterfaceError, InternalError, PoolTimeoutError, OSError)
"""TimeoutError is an OSError. InternalError: asyncpg lost track of a connection that was cut in a statement."""


class DatabaseUnavailableError(UnavailableError):
    """The database cannot be asked now; `reason` is for the operator, the message for anybody."""

    def __init__(self, reason: str) -> None:
        message = "The database does not answer at the moment: try again shortly."
        super().__init__(message, headers={"Retry-After": RETRY_SECONDS}, reason=reason)
        self.reason = reason


def causes(error: BaseException) -> Iterator[BaseException]:
    """Give an error, then what it came from."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = getattr(seen, "orig", None) or seen.__cause__


def code_of(error: BaseException) -> str:
    """Return the five characters by which PostgreSQL names an error; empty where it named none."""
    return next((str(code) for each in causes(error) if (code := getattr(each, "sqlstate", None))), "")


def first_line(error: BaseException) -> str:
    """Return what the innermost error says, in one line."""
    innermost = list(causes(error))[-1]
    return (str(innermost).splitlines() or [""])[0] or type(innermost).__name__


def translate(error: BaseException) -> FotofilaError | None:
    """Say what an error of the database means; None where it means a bug."""
    if isinstance(error, FotofilaError):
        return error
    if code := code_of(error):
        return translate_code(code)
    return translate_text(error)


def translate_code(code: str) -> FotofilaError | None:
    """Say what one of PostgreSQL's codes means."""
    if code.startswith(FULL):
        return full()
    if code.startswith(("22", "54")):
        return out_of_range()
    if code.startswith("23"):
        return crossed()
    if code.startswith(AWAY):
        return DatabaseUnavailableError(f"error {code}")
    return None


def translate_text(error: BaseException) -> FotofilaError | None:
    """Say what an error without a code means: one of SQLite, of the pool, or of a driver that got no answer."""
    if isinstance(error, OperationalError) and "is full" in str(error):
        return full()
    if isinstance(error, IntegrityError):
        return crossed()
    if isinstance(error, DBAPIError) and any(isinstance(each, ValueError) for each in causes(error)):
        return out_of_range()  # asyncpg's DataError: a value that its type does not take
    if isinstance(error, DataErrorOfDriver):
        return out_of_range()
    return DatabaseUnavailableError(first_line(error)) if isinstance(error, NO_ANSWER) else None


def crossed() -> ConflictError:
    """Make the error of two who wanted the same thing at once."""
    return ConflictError("Somebody else changed the same thing at this moment: look at it, then try again.")


def full() -> StorageFullError:
    """Make the error of a full disk."""
    return StorageFullError("The disk of the database is full: free some space and try again.")


def out_of_range() -> InvalidInputError:
    """Make the error of a value that no column takes."""
    return InvalidInputError("A value cannot be kept: it has characters or a size out of range.")
