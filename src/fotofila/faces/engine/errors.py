"""What can go wrong with an engine that is a service."""

from __future__ import annotations

from fotofila.core.errors import ConflictError, UnavailableError


class EngineAwayError(UnavailableError):
    """The service that finds faces does not answer; in time it will."""

    code = "engine_away"
    title = "The service that finds faces does not answer"


class EngineKeyError(UnavailableError):
    """The service that finds faces does not take our key: once that is mended, everything goes on."""

    code = "engine_key_refused"
    title = "The service that finds faces does not take our key"


class EngineNotHereError(UnavailableError):
    """A job is for another engine than that of this process; nobody else's result is given for it."""

    code = "engine_not_here"
    title = "The engine that the job is for is not here"

    def __init__(self, engine: str) -> None:
        super().__init__(
            f"The job is for the engine {engine!r}, and this process has another: set FOTOFILA_FACES_ENGINE={engine} "
            "where workers run, or analyse the photo again, with the engine of now."
        )


class SearchApartError(ConflictError):
    """Photos are analysed with models of our own, and collections are searched apart from that."""

    code = "search_apart"
    title = "Collections are searched apart from the analysis"
