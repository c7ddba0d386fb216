"""The OpenAPI document: what FastAPI finds out, and the problems that any route may answer with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from fotofila.api.problems import MEDIA_TYPE, Problem

TITLE = "Fotofila"
SUMMARY = "A photo goes in, its faces come out."
DESCRIPTION = """\
Ids are 32 hex digits and sort by time. Times are RFC 3339 in UTC. Lists come in pages: `limit`, `cursor`, and
`next_cursor` in the answer. Every error is a problem (RFC 9457) whose `detail` says what to do about it.

Sign in with an API key (`Authorization: Bearer ff_…` or `X-API-Key: ff_…`). The web page uses the cookie
`fotofila_session`, and then every request that changes something needs its own `Origin`.
"""
TAGS = [
    {"name": "photos", "description": "Photos go in; what was found in them comes out."},
    {"name": "uploads", "description": "Photos that come straight into the storage, or bit by bit over bad networks."},
    {"name": "collections", "description": "Collections of faces: who is whom, and who is in an image."},
    {"name": "batches", "description": "Photos that were sent together: X of Y done, and when the rest will be."},
    {"name": "jobs", "description": "The work on a photo: its state, its timeline, and how to stop it."},
    {"name": "events", "description": "What happens, as it happens: Server-Sent Events that resume."},
    {"name": "reports", "description": "Photos, faces, ages and failures over time."},
    {"name": "failures", "description": "What could not be done, why, and how to try again."},
    {"name": "notifications", "description": "Webhooks, e-mail and chat when something is done or has failed."},
    {"name": "session", "description": "Signing in to the web page."},
    {"name": "keys", "description": "API keys: made, rotated, revoked."},
    {"name": "users", "description": "People and what they may do."},
    {"name": "workspace", "description": "The settings that all of a workspace's photos share."},
    {"name": "care", "description": "Faces that are erased, with a signed receipt, and what people agreed to."},
    {"name": "audit", "description": "Who did what, to which face or collection, and whether the log is whole."},
    {"name": "health", "description": "For load balancers and monitoring."},
]
ANYWHERE = {429: ("RateLimited", "Too many requests: `Retry-After` says when to ask again.")}
WITH_CREDENTIALS = {
    401: ("Unauthenticated", "No credentials, or none that are known."),
    403: ("Forbidden", "The credentials do not reach this far."),
}
WITH_ID = {404: ("NotFound", "No such thing in this workspace.")}
WITH_INPUT = {422: ("Invalid", "A value is not valid.")}
OTHERWISE = ("AnyProblem", "Any other problem.")
_METHODS = {"get", "put", "post", "delete", "patch", "head"}


def operation_id(route: APIRoute) -> str:
    """Name an operation after its function: `verb_noun`."""
    return route.name


def document(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """Return the function that makes the document once and then keeps it."""
    plain = app.openapi

    def make() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = add_problems(plain())
        return app.openapi_schema

    return make


def add_problems(schema: dict[str, Any]) -> dict[str, Any]:
    """Add the generic problem answers to every operation of the API."""
    components = schema.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs", {}))
    schemas["Problem"] = problem
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    named = [*ANYWHERE.values(), *WITH_CREDENTIALS.values(), *WITH_ID.values(), *WITH_INPUT.values(), OTHERWISE]
    components["responses"] = {name: _response(description) for name, description in named}
    for path, operation in _operations(schema):
        responses = operation["responses"]
        if "HTTPValidationError" in str(responses.get("422")):
            del responses["422"]
        for status, (name, _) in _problems_of(path, operation).items():
            responses.setdefault(str(status), {"$ref": f"#/components/responses/{name}"})
        responses.setdefault("default", {"$ref": f"#/components/responses/{OTHERWISE[0]}"})
        operation["responses"] = dict(sorted(responses.items()))
    schema["components"] = dict(sorted(components.items()))
    components["schemas"] = dict(sorted(schemas.items()))
    return schema


def _response(description: str) -> dict[str, Any]:
    return {"description": description, "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}


def _operations(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in schema.get("paths", {}).items():
        for method, operation in item.items():
            if method in _METHODS:
                yield path, operation


def _problems_of(path: str, operation: dict[str, Any]) -> dict[int, tuple[str, str]]:
    if not path.startswith("/api/"):
        return {}
    problems = dict(ANYWHERE)
    if operation.get("security"):
        problems |= WITH_CREDENTIALS
    if "{" in path:
        problems |= WITH_ID
    if operation.get("parameters") or operation.get("requestBody"):
        problems |= WITH_INPUT
    return problems
