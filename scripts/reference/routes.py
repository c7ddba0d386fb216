"""The page of HTTP routes, from the app: its OpenAPI document, and the scopes that its dependencies ask for."""

from __future__ import annotations

import asyncio
import inspect
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from fotofila.api.app import create_app
from fotofila.api.deps import get_principal
from fotofila.bootstrap import make_context
from fotofila.core.config import load_settings
from scripts.reference.tables import code, table

METHODS = ("get", "head", "post", "put", "patch", "delete")
INTRO = """\
The machine-readable form is `/openapi.json` (`fotofila openapi` prints it); `/docs` shows it with every field. This
page says what there is, and which scope it needs. Ids are 32 hex digits and sort by time; times are RFC 3339 in UTC.

- **Who asks**: `Authorization: Bearer ff_…` or `X-API-Key: ff_…`; or the cookie `fotofila_session` of a browser, and
  then every request that changes something needs an `Origin` of the same site.
- **Scopes**: `photos:read`, `photos:write`, `failures`, `admin`. A viewer has the first, an editor the first three, an
  owner all. What belongs to another workspace is answered with 404.
- **Lists** come in pages: `limit` (1 to 200, 50 unless given), `cursor`, and `next_cursor` in the answer.
- **Errors** are `application/problem+json` with a `code` ([list](errors.md)) and a `detail` that names the mend.
- **Limits**: every answer under `/api/` has `RateLimit` and `RateLimit-Policy`; a 429 has `Retry-After`.
- **Idempotency-Key** on `POST /api/photos`: kept for 24 hours per key or user. The same key with the same content is
  answered with the first answer (`Idempotency-Replayed: true`), with other content 422, while the first runs 409.
"""


def page() -> str:
    """Return the page."""
    app = make_app()
    document = app.openapi()
    scopes = scopes_of(app)
    parts = ["# HTTP API", INTRO.rstrip()]
    for tag in document["tags"]:
        rows = [row(*found, scopes) for found in operations(document) if tag["name"] in found[2].get("tags", [])]
        if rows:
            heading = tag["name"].capitalize()
            parts += [f"## {heading}", tag["description"]]
            parts.append(table(("Route", "Scope", "Takes", "Answers", "What it does"), rows))
    return "\n\n".join(parts)


def make_app() -> FastAPI:
    """Build the app on an empty folder, which goes again: nothing of it is used but its routes."""

    async def build(folder: Path) -> FastAPI:
        context = make_context(load_settings(data_dir=folder))
        try:
            return create_app(context)
        finally:
            await context.close()

    with tempfile.TemporaryDirectory(prefix="fotofila-reference-") as folder:
        return asyncio.run(build(Path(folder)))


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Give (method, path, operation) in the order of the document."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield method, path, item[method]


def scopes_of(app: FastAPI) -> dict[tuple[str, str], str]:
    """Return the scope that each route asks for; `signed in` where any will do, nothing where anybody may."""
    found: dict[tuple[str, str], str] = {}
    for route in every_route(app):
        calls = list(calls_of(route.dependant))
        asked = [scope for call in calls if (scope := scope_of(call))]
        anyone = "signed in" if get_principal in calls else ""
        for method in route.methods:
            found[method.lower(), route.path] = asked[0] if asked else anyone
    return found


def every_route(app: FastAPI) -> Iterator[Any]:
    """Give every route of the API, also those of routers within routers."""
    for route in app.routes:
        included = getattr(route, "effective_route_contexts", None)
        found = included() if included is not None else [route]
        yield from (route for route in found if getattr(route, "dependant", None) is not None)


def calls_of(dependant: Any) -> Iterator[Any]:
    """Give every dependency of a route, however deep."""
    for child in dependant.dependencies:
        yield child.call
        yield from calls_of(child)


def scope_of(call: Any) -> str | None:
    """Return the scope that a dependency made by `require` was made for."""
    if getattr(call, "__qualname__", "") != "require.<locals>.check":
        return None
    scope = inspect.getclosurevars(call).nonlocals["scope"]
    return str(scope)


def row(method: str, path: str, operation: dict[str, Any], scopes: dict[tuple[str, str], str]) -> tuple[str, ...]:
    """Return the cells of one operation."""
    what = operation.get("description") or operation.get("summary", "")
    scope = scopes.get((method, path), "")
    return (
        code(f"{method.upper()} {path}"),
        code(scope) if ":" in scope or scope in {"failures", "admin"} else scope,
        ", ".join(taken(operation)),
        ", ".join(answers(operation)),
        what.partition("\n\n")[0],
    )


def taken(operation: dict[str, Any]) -> Iterator[str]:
    """Name the parameters that are not part of the path, and the body."""
    for parameter in operation.get("parameters", []):
        if parameter["in"] != "path":
            yield code(parameter["name"])
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"body {schema_name(content.get('schema', {})) or code(media_type)}"


def answers(operation: dict[str, Any]) -> Iterator[str]:
    """Name what is answered when all goes well."""
    for status, response in operation["responses"].items():
        if status.startswith("2"):
            names = [schema_name(content.get("schema", {})) for content in response.get("content", {}).values()]
            yield " ".join([status, *filter(None, names)])


def schema_name(schema: dict[str, Any]) -> str:
    """Return the name of a schema, of a list of it, or of the choice between several."""
    if "$ref" in schema:
        page, _, of = schema["$ref"].rpartition("/")[2].strip("_").rpartition("_")
        return f"{page.lower()} of {code(of)}" if page else code(of)
    if "items" in schema:
        return f"list of {schema_name(schema['items'])}" if schema_name(schema["items"]) else ""
    return " or ".join(filter(None, (schema_name(option) for option in schema.get("anyOf", []))))
