"""The protocol: AWS JSON 1.1. The target names the operation, the body is its input, errors have a type and 400 or 500.

Whatever happens, the answer is one that every client of AWS can read, with the id of the request.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid5

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from fotofila.api.idempotency import idempotency
from fotofila.api.limits import RateLimits
from fotofila.api.problems import translate
from fotofila.api.request_info import client_network, request_info
from fotofila.core.capability import Context
from fotofila.core.errors import FotofilaError, RateLimitedError
from fotofila.core.ids import is_id
from fotofila.core.observability.logs import get_logger
from fotofila.core.observability.metrics import REKOGNITION_CALLS
from fotofila.rekognition.calls import Call, Operation
from fotofila.rekognition.door import Admitted, admit, off_loop
from fotofila.rekognition.errors import DECLARED_BY_ALL, FAULT, AwsError, translated
from fotofila.rekognition.front import front_of
from fotofila.rekognition.once import MEDIA_TYPE, do_once
from fotofila.rekognition.operations import OPERATIONS
from fotofila.rekognition.shapes import read_request
from fotofila.rekognition.tables import NOT_OFFERED

log = get_logger(__name__)

TARGET = "RekognitionService."
UNKNOWN = "unknown"
REFUSED_CREDENTIALS = frozenset(
    {
        "IncompleteSignatureException",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "UnrecognizedClientException",
    }
)
INVOCATION = "amz-sdk-invocation-id"
"""The same for every attempt of one call."""


class Wire:
    """Answers requests, as an ASGI application that a route or a listener of its own leads to."""

    path = "/rekognition"
    """What requests are counted under, on either port."""

    def __init__(self, operations: Mapping[str, Operation] = OPERATIONS) -> None:
        self._operations = operations

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one."""
        request = Request(scope, receive)
        scope["route"] = self
        info = request_info(scope)
        info.body_cap_bytes = None
        name = operation_name(request)
        try:
            body, status, answered = await serve(request, name, self._operations), 200, "done"
        except Exception as error:  # this protocol's problem handler: every answer has to be one that clients read
            if (ours := translate(error)) is None:
                log.exception("rekognition.crashed", operation=name)
            refusal = await judge(ours, request, name)
            body, status, answered = refusal_body(refusal), refusal.http_status, refusal.name
        REKOGNITION_CALLS.labels(name, answered).inc()
        headers = {"x-amzn-RequestId": request_id(info.request_id), "Cache-Control": "no-store"}
        await Response(body, status_code=status, headers=headers, media_type=MEDIA_TYPE)(scope, receive, send)


def operation_name(request: Request) -> str:
    """Return the operation that the target names, or `unknown`."""
    target = request.headers.get("x-amz-target", "")
    name = target.removeprefix(TARGET)
    known = target.startswith(TARGET) and (name in OPERATIONS or name in NOT_OFFERED)
    return name if known and request.method == "POST" else UNKNOWN


async def serve(request: Request, name: str, operations: Mapping[str, Operation]) -> bytes:
    """Return the body of the answer.

    Raises:
        AwsError, FotofilaError: why there is none.
    """
    context: Context = request.app.state.context
    if name == UNKNOWN:
        message = "Send POST with X-Amz-Target: RekognitionService.<Operation>."
        raise AwsError("UnknownOperationException", message)
    with front_of(context).room():
        admitted = await admit(request, context)
        principal = admitted.credential.principal
        request_info(request.scope).principal = principal
        limits: RateLimits = request.app.state.limits
        (await limits.take(principal.id)).demand()
        operation = offered(name, operations)
        if operation.scope not in principal.scopes:
            message = f"This access key is not authorized to perform rekognition:{name}: it needs {operation.scope}."
            raise AwsError("AccessDeniedException", message)
        given = await off_loop(lambda: read_input(operation, admitted.body), size=len(admitted.body))
        call = Call(context=context, principal=principal, region=admitted.region, given=given)
        return await perform(operation, call, admitted, request.headers.get(INVOCATION))


def offered(name: str, operations: Mapping[str, Operation]) -> Operation:
    """Return an operation.

    Raises:
        AwsError: AWS has it, and we do not.
    """
    if name not in operations:
        message = f"{name} is not offered by this server. It offers: {', '.join(sorted(operations))}."
        raise AwsError("AccessDeniedException", message)
    return operations[name]


def read_input(operation: Operation, body: bytes) -> dict[str, Any]:
    """Read and check the input of an operation.

    Raises:
        AwsError: SerializationException or ValidationException.
    """
    try:
        given = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError as error:
        raise AwsError("SerializationException", f"The body is no JSON: {error}.") from error
    return read_request(operation.input, given)


async def perform(operation: Operation, call: Call, admitted: Admitted, invocation: str | None) -> bytes:
    """Run an operation; what changes something runs once for all attempts of a call."""
    key, fingerprint = None, admitted.body_sha256
    if operation.once and operation.takes_token and "ClientRequestToken" in call.given:
        key = f"token:{call.given['ClientRequestToken']}"
        fingerprint = hashlib.sha256(orjson.dumps(call.given, option=orjson.OPT_SORT_KEYS)).hexdigest()
    elif operation.once and invocation:
        # The invocation's id is not signed, so the body is part of the key: another body is another call.
        key = hashlib.sha256(f"{invocation}\n{admitted.body_sha256}".encode("utf-8", "replace")).hexdigest()
    async with idempotency(call.context, call.principal, key, f"rekognition.{operation.name}") as run:
        if run.known:
            return bytes(run.replay(fingerprint).body)
        if run.row is None:
            return orjson.dumps(operation.tell(call, await operation.run(call)))
        return await do_once(operation, call, run, fingerprint)


async def judge(ours: FotofilaError | None, request: Request, name: str) -> AwsError:
    """Return what an error is called here; None is one that nobody expected."""
    operation = OPERATIONS.get(name)
    if ours is None:
        return AwsError(FAULT, "This is our fault and is logged: try again, or tell the operator the request id.")
    refusal = translated(ours, operation.errors if operation else DECLARED_BY_ALL)
    if refusal.name == FAULT:
        log.warning("rekognition.unavailable", operation=name, code=ours.code, sentence=ours.message)
    if refusal.name in REFUSED_CREDENTIALS and await guessed_too_often(request):
        return AwsError("ThrottlingException", "Too many refused requests from this address: wait a minute.")
    return refusal


async def guessed_too_often(request: Request) -> bool:
    """Count a request whose credentials were refused by its address."""
    limits: RateLimits = request.app.state.limits
    try:
        (await limits.take(client_network(request.scope))).demand()
    except RateLimitedError:
        return True
    except FotofilaError:
        return False
    return False


def refusal_body(refusal: AwsError) -> bytes:
    """Return the body of an error."""
    return orjson.dumps({"__type": refusal.name, "Message": refusal.message})


def request_id(own: str) -> str:
    """Return the id of the request as a UUID: ours with dashes, or one made of what the caller gave."""
    return str(UUID(hex=own)) if is_id(own) else str(uuid5(UUID(int=0), own))
