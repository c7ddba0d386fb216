"""Every error becomes one answer, here and nowhere else: RFC 9457 problem details."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from http import HTTPStatus

from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fotofila.api.request_info import request_info
from fotofila.core.db import outages
from fotofila.core.errors import BadRequestError, FotofilaError, InvalidInputError, TooLargeError
from fotofila.core.observability.logs import get_logger

log = get_logger("fotofila.api")

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = "5"
_CODES = {400: BadRequestError.code, 413: TooLargeError.code, 422: InvalidInputError.code}
_MENDS = {
    404: "There is nothing at this address: /docs lists every route.",
    405: "This address does not take that method: the header Allow says which ones it takes.",
}


class ProblemItem(BaseModel):
    """One value that is wrong."""

    loc: list[str | int]
    msg: str


class Problem(BaseModel):
    """What went wrong, for programs (`code`) and for people (`detail` names the mend): RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    instance: str | None = None
    code: str
    errors: list[ProblemItem] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What an error means at this edge."""

    status: int
    code: str
    title: str
    detail: str
    headers: dict[str, str] = field(default_factory=dict)
    errors: list[ProblemItem] | None = None


def judge(error: Exception, *, request_id: str) -> Verdict:
    """Say what an error means; what we did not raise on purpose tells a stranger nothing but the request id."""
    match error:
        case RequestValidationError():
            return _invalid(error)
        case HTTPException():
            return _http(error)
    ours = translate(error) or FotofilaError(
        f"This is our fault and is logged: tell the operator the request id {request_id}."
    )
    return Verdict(status=ours.status, code=ours.code, title=ours.title, detail=ours.message, headers=ours.headers)


def translate(error: Exception) -> FotofilaError | None:
    """Say what an error of a driver or of the connection means in our words; None where it means a bug."""
    match error:
        case ClientDisconnect():
            return BadRequestError("The body was cut off: send it again.")
        case FotofilaError() | SQLAlchemyError() | ConnectionError() | TimeoutError():
            return outages.translate(error)
    return None


def _invalid(error: RequestValidationError) -> Verdict:
    # The input itself is left out: it may be a password.
    items = [ProblemItem(loc=list(item["loc"]), msg=str(item["msg"])) for item in error.errors()]
    first = items[0] if items else ProblemItem(loc=[], msg="Not valid")
    where = ".".join(str(part) for part in first.loc)
    return Verdict(
        status=InvalidInputError.status,
        code=InvalidInputError.code,
        title=InvalidInputError.title,
        detail=f"{where}: {first.msg}." if where else f"{first.msg}.",
        errors=items,
    )


def _http(error: HTTPException) -> Verdict:
    phrase = HTTPStatus(error.status_code).phrase
    detail = str(error.detail)
    return Verdict(
        status=error.status_code,
        code=_CODES.get(error.status_code) or re.sub(r"[^a-z]+", "_", phrase.lower()),
        title=phrase,
        detail=_MENDS.get(error.status_code, phrase) if detail == phrase else detail,
        headers=dict(error.headers or {}),
    )


def answer(error: Exception, scope: Scope) -> Response:
    """Make the answer to an error, and log it where it is ours."""
    request_id = request_info(scope).request_id
    verdict = judge(error, request_id=request_id)
    if verdict.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("http.crashed", code=verdict.code, exc_info=error)
    elif isinstance(error, IntegrityError):
        log.warning("http.crossed", error=outages.first_line(error))
    elif verdict.status > HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning("http.unavailable", code=verdict.code, error=repr(error))
    problem = Problem(
        type=f"urn:fotofila:problem:{verdict.code}",
        title=verdict.title,
        status=verdict.status,
        detail=verdict.detail,
        instance=scope.get("path"),
        code=verdict.code,
        errors=verdict.errors,
    )
    return Response(
        problem.model_dump_json(exclude_none=True),
        status_code=verdict.status,
        headers=verdict.headers,
        media_type=MEDIA_TYPE,
    )


async def handle(request: Request, error: Exception) -> Response:
    """Answer what a route raised; FastAPI's own handlers are replaced by this one."""
    response = answer(error, request.scope)
    if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED and (methods := methods_of(request)):
        response.headers["Allow"] = ", ".join(sorted(methods))
    return response


def methods_of(request: Request) -> set[str]:
    """Return every method of an address; the framework names only those of the first route that has it."""
    address = request.scope["path"]
    templates: dict[str, set[str]] = {}
    for context in iter_route_contexts(request.app.routes):
        if context.path and context.methods and compile_path(context.path)[0].match(address):
            templates.setdefault(context.path, set()).update(context.methods)
    return templates.get(address) or set().union(*templates.values())


class ProblemMiddleware:
    """Answers what no handler took: errors of middleware, and errors that nobody expected."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the request; raises only when an answer has begun and can no longer be replaced."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except Exception as error:  # the API's problem handler, one of the two places for this
            if started:
                log.exception("http.broken_off")
                raise
            await answer(error, scope)(scope, receive, send)
