"""The web page and the API's documentation, both without anything from another host."""

from __future__ import annotations

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC = Path(__file__).parent / "static"
DOCS = Path(__file__).parent / "docs_page"
IMMUTABLE = "public, max-age=31536000, immutable"
REVALIDATE = "no-cache"
NOT_BUILT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Fotofila</title></head>
<body><h1>Fotofila runs</h1>
<p>The web page is not built: run <code>make web</code> and load this page again.</p>
<p>The API works without it: <a href="/docs">its documentation</a>.</p></body></html>
"""


class WebPage(StaticFiles):
    """What Vite built. Files under `assets/` carry a hash of their content in their name and never change."""

    def __init__(self, folder: Path = STATIC) -> None:
        super().__init__(directory=folder, html=True, check_dir=False)
        self._folder = folder

    async def check_config(self) -> None:
        """Demand nothing: the folder appears when the page is built."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Give a file; what is under `/api` is no file, whatever the method."""
        if scope["path"].startswith("/api/"):
            raise HTTPException(404)
        if path == "." and scope["method"] in {"GET", "HEAD"} and not (self._folder / "index.html").is_file():
            return HTMLResponse(NOT_BUILT, headers={"Cache-Control": "no-store"})
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = IMMUTABLE if path.startswith("assets/") else REVALIDATE
        return response


def docs_routes() -> list[Route]:
    """Return the routes of the documentation page: it reads `/openapi.json` with a script of its own."""
    return [
        _file_route("/docs", "index.html"),
        _file_route("/docs/docs.js", "docs.js"),
        _file_route("/docs/docs.css", "docs.css"),
    ]


def _file_route(path: str, name: str) -> Route:
    async def send_file(_request: object) -> Response:
        return FileResponse(DOCS / name, headers={"Cache-Control": REVALIDATE})

    return Route(path, send_file, methods=["GET"], include_in_schema=False, name=f"docs:{name}")
