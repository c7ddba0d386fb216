"""Collections, seen from the page: made, filled, searched, erased."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Page, StorageState, expect

from fotofila.testing.pictures import jpeg
from tests.e2e.page.conftest import DESKTOP, PHONE, Visitor
from tests.e2e.page.serving import Serving
from tests.e2e.page.test_page_places import AXE

SEARCH_MS = 60_000
EINSTEIN = (1546, 1103, 1716, 1273)
"""Where his portrait is in the demo photo, in pixels."""
GUESTS = "guests"
BUSY = "503 POST /api/collections/"
"""On a loaded machine no child is free within seconds: the page comes back by itself."""
PARTS = {
    "": "[role=meter]",
    "/faces": "main li.card",
    "/add": "section.zone",
    "/people": "main form",
    "/model": "main section h2",
    "/settings": "main dl",
}
"""What shows that a part of a collection is there."""

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def portrait(group_photo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a photo of one person."""
    file = tmp_path_factory.mktemp("portrait") / "Albert E.png"
    with Image.open(group_photo) as photo:
        photo.crop(EINSTEIN).save(file)
    return file


@pytest.fixture(scope="module")
def again(portrait: Path) -> Path:
    """Return another photo of the same person."""
    file = portrait.with_name("again.png")
    with Image.open(portrait) as photo:
        photo.resize((150, 150)).save(file)
    return file


@pytest.fixture(scope="module")
def signed_in_client(server: Serving, signed_in: StorageState) -> Iterator[httpx.Client]:
    """Ask the API as the page does."""
    cookies = {cookie["name"]: cookie["value"] for cookie in signed_in["cookies"]}
    with httpx.Client(base_url=server.url, cookies=cookies, headers={"Origin": server.url}, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def guests(signed_in_client: httpx.Client, portrait: Path) -> Iterator[str]:
    """Make a collection that knows one person; returns its name."""
    signed_in_client.post("/api/collections", json={"name": GUESTS, "switched_on": True}).raise_for_status()
    path = f"/api/collections/{GUESTS}/faces?external_image_id=albert"
    indexed = signed_in_client.post(path, content=portrait.read_bytes())
    indexed.raise_for_status()
    assert len(indexed.json()["faces"]) == 1
    yield GUESTS
    signed_in_client.delete(f"/api/collections/{GUESTS}").raise_for_status()


def choose(page: Page, *files: Path) -> None:
    """Choose files as the button does."""
    page.get_by_test_id("files").set_input_files(files)


def test_a_person_is_added_and_found_again(visitor: Visitor, portrait: Path, again: Path, tmp_path: Path) -> None:
    sky = tmp_path / "sky.jpg"
    sky.write_bytes(jpeg())
    at = visitor()
    at.expect_refusal(BUSY)
    page = at.page
    at.go("#/collections")
    page.get_by_role("button", name="New collection").click()
    dialog = page.get_by_role("dialog", name="New collection")
    dialog.get_by_label("Name").fill("wedding-2026")
    dialog.get_by_label("Consent note").fill("Signed at the door.")
    submit = dialog.get_by_role("button", name="Switch on and create")
    expect(submit).to_be_disabled()
    dialog.get_by_label("I have the consent").check()
    submit.click()

    expect(page.get_by_role("link", name="Add faces")).to_have_attribute("aria-current", "page")
    choose(page, portrait, sky)
    expect(page.get_by_test_id("adding-announcement")).to_have_text("1 face added.", timeout=SEARCH_MS)
    rows = page.locator("section.tray > ul > li")
    expect(rows.first).to_contain_text("Albert-E")
    expect(rows.last).to_contain_text("There is no face in it.")

    page.get_by_role("link", name="Search", exact=True).click()
    choose(page, again)
    summary = page.get_by_test_id("search-summary")
    expect(summary).to_have_text("1 face in the photo, 1 found in the collection.", timeout=SEARCH_MS)
    meter = page.get_by_role("meter", name="Similarity")
    expect(meter).to_have_attribute("aria-valuetext", re.compile("^Similarity .+ of 100: Very likely the same person$"))
    expect(page.get_by_role("img", name=re.compile("^Face 1: Albert-E"))).to_be_visible()

    page.get_by_role("link", name="Settings", exact=True).last.click()
    page.locator("main").get_by_role("button", name="Delete").click()
    erase = page.get_by_role("dialog").get_by_role("button", name="Delete the collection")
    expect(erase).to_be_disabled()
    page.get_by_role("dialog").get_by_label("Type wedding-2026 to confirm").fill("wedding-2026")
    erase.click()
    erased = page.get_by_role("dialog", name="Erased")
    expect(erased).to_contain_text("1 face, 1 fingerprint and 1 picture of faces are gone for good.")
    expect(erased.get_by_role("link", name="Download the receipt")).to_have_attribute("href", re.compile("/receipt$"))
    erased.get_by_role("button", name="Close").last.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Collections")
    expect(page.get_by_role("link", name="wedding-2026")).to_have_count(0)


def test_the_keyboard_moves_the_least_similarity_and_a_stranger_is_nobody(
    visitor: Visitor, guests: str, group_photo: Path, tmp_path: Path
) -> None:
    stranger = tmp_path / "stranger.png"
    with Image.open(group_photo) as photo:
        photo.crop((1152, 1125, 1322, 1295)).save(stranger)  # Marie Curie
    at = visitor(locale="pt-BR", viewport=PHONE, has_touch=True)
    at.expect_refusal(BUSY)
    page = at.page
    at.go(f"#/collections/{guests}")
    choose(page, stranger)
    summary = page.get_by_test_id("search-summary")
    expect(summary).to_have_text("1 rosto na foto, nenhum encontrado na coleção.", timeout=SEARCH_MS)
    expect(page.get_by_text("Ninguém na coleção é tão parecido.")).to_be_visible()
    slider = page.get_by_label("Semelhança mínima")
    slider.press("End")
    expect(slider).to_have_attribute("aria-valuetext", "99: Muito provavelmente a mesma pessoa")
    page.get_by_role("button", name="O que os números significam").click()
    expect(page.get_by_role("dialog").get_by_role("row").last).to_contain_text("1 em 100.000")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_the_command_line_asks_the_same_server(
    server: Serving, signed_in_client: httpx.Client, guests: str, again: Path
) -> None:
    made = signed_in_client.post("/api/keys", json={"name": "faces", "scopes": ["photos:read"]}).json()
    there = ("--collection", guests, "--url", server.url, "--key", made["key"], "--json")
    (face,) = json.loads(server.command("faces", "search", str(again), *there))["faces"]
    (match,) = face["matches"]
    assert match["external_image_id"] == "albert"
    assert match["similarity"] > 99


@pytest.mark.parametrize(("locale", "scheme"), [("en-US", "dark"), ("pt-BR", "light")])
@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed: run `npm ci` in web/")
def test_axe_finds_no_barrier_in_a_collection_and_it_fits_a_phone(
    visitor: Visitor, guests: str, again: Path, locale: str, scheme: str
) -> None:
    at = visitor(locale=locale, viewport=DESKTOP, color_scheme=scheme, reduced_motion="reduce")
    at.expect_refusal(BUSY)
    page = at.page
    at.go(f"#/collections/{guests}")
    choose(page, again)
    found: list[str] = []
    for part, shown in PARTS.items():
        if part:
            at.go(f"#/collections/{guests}{part}")
        expect(page.locator(shown).first).to_be_visible(timeout=SEARCH_MS)
        expect(page.locator("p.busy")).to_have_count(0)
        at.picture(f"collection{part.replace('/', '-')}-desktop-{locale[:2]}")
        page.set_viewport_size(PHONE)
        overhang = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert overhang <= 0, part
        page.set_viewport_size(DESKTOP)
        page.evaluate(AXE.read_text())
        found += [
            f"{part}: {violation['id']}: {[node['html'][:160] for node in violation['nodes'][:3]]}"
            for violation in page.evaluate("axe.run().then((result) => result.violations)")
        ]
    assert found == [], "\n".join(found)
