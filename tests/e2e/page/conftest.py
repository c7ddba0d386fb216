from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, StorageState, ViewportSize, expect, sync_playwright

from fotofila.api.static import STATIC
from fotofila.core.config import load_settings
from fotofila.faces.specs import DEMO_PHOTO
from fotofila.testing.pictures import jpeg
from tests.e2e.conftest import NOOP, faces_can_run
from tests.e2e.page.serving import Serving, serving
from tests.e2e.page.visiting import ARGUMENTS, Visit, find_chromium, visit

DESKTOP: ViewportSize = {"width": 1280, "height": 860}
PHONE: ViewportSize = {"width": 360, "height": 780}

expect.set_options(timeout=30_000)  # two cores, shared with a server and its worker

Visitor = Callable[..., Visit]


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A photo whose analysis fails for good."""

    content: bytes
    code: str


@pytest.fixture(scope="session")
def with_faces() -> bool:
    """Say whether the models are here; without them photos are worked on by a job that does nothing."""
    return faces_can_run()


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory, with_faces: bool) -> Iterator[Serving]:
    """Run `fotofila serve`, for all tests of the page."""
    if not (STATIC / "index.html").is_file():
        pytest.fail("The web page is not built: run `make web`.")
    kind = {} if with_faces else {f"FOTOFILA_{name.upper()}": str(value) for name, value in NOOP.items()}
    with serving(tmp_path_factory.mktemp("page"), settings=kind) as made:
        yield made


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    chromium = find_chromium()
    if chromium is None:
        pytest.fail("There is no Chromium: install the package `chromium`, or Google Chrome.")
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        yield made
        made.close()


@pytest.fixture(scope="package")
def signed_in(server: Serving, browser: Browser) -> StorageState:
    """Sign in once, by link; the cookie serves every visit."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(server.sign_in_link())
    page.get_by_role("navigation").first.wait_for()
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def visitor(server: Serving, browser: Browser, signed_in: StorageState, with_faces: bool) -> Iterator[Visitor]:
    """Make visits; in the end nothing may have been refused or have failed in any of them."""
    with ExitStack() as stack:
        visits: list[Visit] = []

        def make(*, locale: str = "en-US", signed: bool = True, **options: Any) -> Visit:
            options = {"viewport": DESKTOP, **options}
            context = browser.new_context(locale=locale, storage_state=signed_in if signed else None, **options)
            stack.callback(context.close)
            visits.append(visit(context, server.url))
            return visits[-1]

        yield make
        for made in visits:
            if not with_faces:
                made.expect_refusal("404 GET /image?size=")  # a job that does nothing makes no thumbnails
                made.expect_refusal("404 GET /api/collections", "404 GET /api/biometrics", "404 GET /api/erasures")
            assert made.unexpected() == []
            assert made.violations() == []


@pytest.fixture(scope="session")
def group_photo(with_faces: bool) -> Path:
    """Return the demo photo of 29 people."""
    photo = load_settings().models_dir / DEMO_PHOTO.filename
    if not with_faces or not photo.is_file():
        pytest.skip("The models and the demo photo are not here: run `fotofila models fetch`.")
    return photo


@pytest.fixture(scope="session")
def broken(with_faces: bool) -> Broken:
    """Return a photo that passes the door and fails in the worker."""
    if not with_faces:
        return Broken(content=jpeg(comment=b"fotofila:discard"), code="ordered_permanent")
    whole = jpeg(width=640, height=480)
    return Broken(content=whole[: len(whole) // 2], code="truncated_image")
