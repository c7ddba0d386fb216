"""Every error that an operation declares, as botocore reads it, and what it tries again.

Errors that only faults cause are put in the operation's place: the rest of the way is the real one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fotofila.api.app import create_app
from fotofila.core.capability import Context
from fotofila.core.errors import (
    ConflictError,
    FotofilaError,
    QuotaExceededError,
    RateLimitedError,
    UnavailableError,
)
from fotofila.core.images.errors import CorruptImageError, TooManyPixelsError
from fotofila.faces.collections.errors import (
    CollectionExistsError,
    CollectionNotFoundError,
    NoFaceError,
    RecognitionOffError,
    UserExistsError,
)
from fotofila.rekognition.calls import Call, Operation, as_it_is
from fotofila.rekognition.errors import AwsError, translated
from fotofila.rekognition.operations import OPERATIONS
from fotofila.rekognition.routes import create_wire_app
from fotofila.rekognition.shapes import Blob, Listed, Mapped, Number, Shape, Structure, Text
from fotofila.rekognition.tables import UUID
from fotofila.worker.direct import DirectError
from fotofila.worker.errors import BusyError, CrashedError
from tests.rekognition.checking import check_error
from tests.rekognition.clients import own_client
from tests.rekognition.conftest import make_target
from tests.rekognition.parts import listening, open_context

CAUSES: dict[str, FotofilaError] = {
    "AccessDeniedException": RecognitionOffError("off"),
    "ConflictException": UserExistsError("there"),
    "IdempotentParameterMismatchException": AwsError("IdempotentParameterMismatchException", "other"),
    "ImageTooLargeException": TooManyPixelsError("large"),
    "InternalServerError": UnavailableError("the database is away"),
    "InvalidImageFormatException": CorruptImageError("damaged"),
    "InvalidPaginationTokenException": AwsError("InvalidPaginationTokenException", "token"),
    "InvalidParameterException": NoFaceError(),
    "InvalidS3ObjectException": AwsError("InvalidS3ObjectException", "no object"),
    "ProvisionedThroughputExceededException": RateLimitedError("too many"),
    "ResourceAlreadyExistsException": CollectionExistsError("there"),
    "ResourceNotFoundException": CollectionNotFoundError("none"),
    "ServiceQuotaExceededException": QuotaExceededError("full"),
    "ThrottlingException": BusyError("every child works"),
}
TRANSIENT = {"InternalServerError", "ProvisionedThroughputExceededException", "ThrottlingException"}


def snake(name: str) -> str:
    """Return the method of a client for an operation."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


def sample(shape: Shape) -> Any:  # noqa: PLR0911 - a line for each kind
    """Return a value that fits a shape."""
    match shape:
        case Structure():
            return {name: sample(shape.members[name]) for name in shape.required}
        case Text():
            if shape.pattern == UUID:
                return "00000000-0000-4000-8000-000000000000"
            return shape.values[0] if shape.values else "a" * max(1, shape.shortest or 1)
        case Listed():
            return [sample(shape.member)]
        case Mapped():
            return {"a": "b"}
        case Number():
            return shape.least
        case Blob():
            return b"x"


@dataclass(slots=True, kw_only=True)
class Rigged:
    """An operation whose attempts go wrong as they are told to, one after the other, and then go well."""

    errors: list[Exception]
    runs: int = 0

    async def run(self, _call: Call) -> dict[str, Any]:
        self.runs += 1
        if self.errors:
            raise self.errors.pop(0)
        return {}


def rigged(operation: Operation, *errors: Exception) -> tuple[Rigged, Operation]:
    """Put errors in an operation's place."""
    made = Rigged(errors=list(errors))
    return made, replace(operation, run=made.run, tell=as_it_is)


@pytest.fixture
async def context(tmp_path: Path) -> AsyncIterator[Context]:
    async with open_context(tmp_path) as context:
        yield context


@asynccontextmanager
async def client_of(
    context: Context,
    operations: dict[str, Operation],
    *,
    attempts: int = 1,
    around: Callable[[ASGIApp], ASGIApp] = lambda app: app,
) -> AsyncIterator[Any]:
    """Serve operations on a port, and give a botocore client of it."""
    app = create_wire_app(context, create_app(context).state.limits, operations)
    async with listening(around(app)) as url:
        client = own_client(await make_target(context, url=url), attempts=attempts)
        yield client
        client.close()


async def ask(client: Any, name: str) -> dict[str, Any]:
    """Call an operation with what it requires."""
    given = sample(OPERATIONS[name].input)
    answer: dict[str, Any] = await asyncio.to_thread(getattr(client, snake(name)), **given)
    return answer


async def test_every_declared_error_is_read_by_clients_as_its_own_class(context: Context) -> None:
    operations = dict(OPERATIONS)
    async with client_of(context, operations) as client:
        for name, operation in OPERATIONS.items():
            for error in sorted(operation.errors):
                _, operations[name] = rigged(operation, CAUSES[error])
                with pytest.raises(ClientError) as caught:
                    await ask(client, name)
                told = caught.value.response
                assert told["Error"]["Code"] == error, name
                assert isinstance(caught.value, getattr(client.exceptions, error))
                expected = 500 if error == "InternalServerError" else 400
                assert told["ResponseMetadata"]["HTTPStatusCode"] == expected, (name, error)
                assert len(told["ResponseMetadata"]["RequestId"]) == 36


def test_what_an_operation_does_not_declare_becomes_what_it_does() -> None:
    causes: list[FotofilaError] = [error for error in CAUSES.values() if not isinstance(error, AwsError)]
    causes += [ConflictError("crossed"), CrashedError("child"), FotofilaError("a bug")]
    causes += [DirectError({"code": "timed_out", "sentence": "late", "permanent": False})]
    causes += [DirectError({"code": "corrupt_image", "sentence": "damaged", "permanent": True})]
    for name, operation in OPERATIONS.items():
        for cause in causes:
            check_error(name, translated(cause, operation.errors).name)
    crossed = translated(ConflictError("made beside us"), OPERATIONS["CreateCollection"].errors)
    assert crossed.name == "ResourceAlreadyExistsException"


async def test_a_bug_tells_a_stranger_nothing(context: Context) -> None:
    _, broken = rigged(OPERATIONS["DetectFaces"], KeyError("a secret"))
    async with client_of(context, {"DetectFaces": broken}) as client:
        with pytest.raises(ClientError) as caught:
            await ask(client, "DetectFaces")
    assert caught.value.response["Error"]["Code"] == "InternalServerError"
    assert "secret" not in str(caught.value)


async def test_what_passes_is_tried_again_by_the_client_and_nothing_else(context: Context) -> None:
    operations: dict[str, Operation] = {}
    async with client_of(context, operations, attempts=2) as client:
        for error in sorted(TRANSIENT):
            made, operations["DetectFaces"] = rigged(OPERATIONS["DetectFaces"], CAUSES[error])
            answer = await ask(client, "DetectFaces")
            assert (made.runs, answer["ResponseMetadata"]["RetryAttempts"]) == (2, 1), error
        for error in ("InvalidParameterException", "ResourceNotFoundException", "AccessDeniedException"):
            made, operations["IndexFaces"] = rigged(OPERATIONS["IndexFaces"], CAUSES[error])
            with pytest.raises(ClientError) as caught:
                await ask(client, "IndexFaces")
            assert (made.runs, caught.value.response["ResponseMetadata"]["RetryAttempts"]) == (1, 0), error


class LosesFirst:
    """Lets the first answer get lost after the work was done, as a proxy does that gives up."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.lost = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.lost:
            await self._app(scope, receive, send)
            return

        async def nowhere(_message: Message) -> None:
            self.lost = True

        await self._app(scope, receive, nowhere)
        await send({"type": "http.response.start", "status": 502, "headers": []})
        await send({"type": "http.response.body", "body": b"<html>Bad Gateway</html>"})


async def test_a_lost_answer_is_asked_for_again_and_the_work_is_done_once(context: Context) -> None:
    operations: dict[str, Operation] = {}
    loses = LosesFirst(create_wire_app(context, create_app(context).state.limits, operations))
    async with client_of(context, operations, attempts=2, around=lambda _app: loses) as client:
        for name in sorted(name for name, operation in OPERATIONS.items() if operation.once):
            made, operations[name] = rigged(OPERATIONS[name])
            loses.lost = False
            answer = await ask(client, name)
            assert (made.runs, answer["ResponseMetadata"]["RetryAttempts"]) == (1, 1), name
            await ask(client, name)
            assert made.runs == 2, name
