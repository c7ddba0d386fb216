"""A call of an operation, and what an operation is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from fotofila.access.audit import Actor
from fotofila.api.deps import EDITS
from fotofila.core.capability import Context, Principal
from fotofila.rekognition.errors import DECLARED_BY_ALL
from fotofila.rekognition.shapes import Structure
from fotofila.rekognition.tables import INPUTS

READS = "photos:read"
"""The scope of whoever only looks."""
ASKS_FOR_IMAGES = frozenset({"ImageTooLargeException", "InvalidImageFormatException", "InvalidS3ObjectException"})
NOT_FOUND = frozenset({"ResourceNotFoundException"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Who asks, and for what: `given` has the members of the request by name, blobs as bytes."""

    context: Context
    principal: Principal
    region: str
    """Of the signature: the client's own, which its ARNs bear."""
    given: dict[str, Any]

    @property
    def owner(self) -> str:
        """The workspace."""
        return self.principal.owner

    @property
    def actor(self) -> Actor:
        """Who the audit log says did it."""
        return Actor(kind="aws_key", id=self.principal.key_id)

    @property
    def collection(self) -> str:
        """The name of the collection."""
        return str(self.given["CollectionId"])


Run = Callable[[Call], Awaitable[Any]]
Tell = Callable[[Call, Any], dict[str, Any]]


def as_it_is(_call: Call, result: dict[str, Any]) -> dict[str, Any]:
    """Answer with what was returned."""
    return result


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """An operation: what it needs, what it may answer, what it does."""

    name: str
    run: Run
    scope: str
    errors: frozenset[str]
    """Names that the service model declares for it."""
    once: bool
    """Done once for all attempts of one call."""
    tell: Tell = as_it_is
    """Shapes what `run` returned as the answer; for what is done once, within the transaction of the deed."""

    @property
    def input(self) -> Structure:
        """What it takes."""
        return INPUTS[self.name]

    @property
    def takes_token(self) -> bool:
        """Whether the client may name the call with a ClientRequestToken."""
        return "ClientRequestToken" in self.input.members


def reads(name: str, run: Run, *errors: frozenset[str] | str) -> Operation:
    """Describe an operation that keeps nothing."""
    return Operation(name=name, run=run, scope=READS, errors=declared(errors), once=False)


def writes(name: str, run: Run, tell: Tell, *errors: frozenset[str] | str) -> Operation:
    """Describe an operation that changes something: `run` does it by one deed of the desk, and returns its result."""
    return Operation(name=name, run=run, tell=tell, scope=EDITS, errors=declared(errors), once=True)


def nothing(_call: Call, _result: Any) -> dict[str, Any]:
    """Answer with nothing."""
    return {}


def declared(errors: tuple[frozenset[str] | str, ...]) -> frozenset[str]:
    """Return the names of errors, with those of all operations."""
    groups = (frozenset({each}) if isinstance(each, str) else each for each in errors)
    return DECLARED_BY_ALL.union(*groups)
