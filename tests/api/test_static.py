from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from fotofila.api.static import WebPage


@pytest.fixture
def built(tmp_path: Path) -> Path:
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>page</title>")
    (folder / "favicon.svg").write_text("<svg/>")
    (folder / "assets" / "index-0a1b2c3d.js").write_text("export {};")
    (tmp_path / "secret.key").write_text("secret")
    return folder


@pytest.fixture
async def page(app: FastAPI, built: Path) -> AsyncIterator[httpx.AsyncClient]:
    app.router.default = WebPage(built)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
        yield client


async def test_the_page_is_asked_for_anew_and_its_assets_never(page: httpx.AsyncClient) -> None:
    index = await page.get("/")
    asset = await page.get("/assets/index-0a1b2c3d.js")

    assert (index.status_code, index.headers["cache-control"]) == (200, "no-cache")
    assert index.headers["content-type"].startswith("text/html")
    assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert asset.headers["content-type"].startswith(("text/javascript", "application/javascript"))


async def test_a_page_that_did_not_change_is_not_sent_again(page: httpx.AsyncClient) -> None:
    etag = (await page.get("/")).headers["etag"]
    again = await page.get("/", headers={"If-None-Match": etag})

    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["/../secret.key", "/%2e%2e/secret.key", "/assets/..%2f..%2fsecret.key", "/%00"])
async def test_nothing_outside_the_folder_is_reached(page: httpx.AsyncClient, path: str) -> None:
    response = await page.get(path)
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


async def test_nothing_is_posted_to_a_file(page: httpx.AsyncClient) -> None:
    assert (await page.post("/favicon.svg")).status_code == 405


async def test_a_page_that_is_not_built_names_the_command(app: FastAPI, tmp_path: Path) -> None:
    app.router.default = WebPage(tmp_path / "nothing")
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
        response = await client.get("/")
        missing = await client.get("/assets/x.js")

    assert response.status_code == 200
    assert "make web" in response.text
    assert missing.status_code == 404


async def test_the_documentation_needs_no_other_host(client: httpx.AsyncClient) -> None:
    for path, media_type in (
        ("/docs", "text/html"),
        ("/docs/docs.js", "text/javascript"),
        ("/docs/docs.css", "text/css"),
    ):
        response = await client.get(path)
        assert response.status_code == 200
        assert response.headers["content-type"].startswith(media_type)
        assert "http://" not in response.text
        assert "https://" not in response.text
        assert "style=" not in response.text
