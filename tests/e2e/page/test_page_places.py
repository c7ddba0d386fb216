"""Signing in, settings, language, keyboard: what the page promises apart from photos."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from fotofila.testing.pictures import jpeg
from fotofila.testing.servers.process import free_port
from tests.e2e.page.conftest import DESKTOP, PHONE, Visitor
from tests.e2e.page.serving import Serving, serving
from tests.e2e.page.visiting import visit

pytestmark = pytest.mark.e2e

PLACES = {
    "photos": "#/",
    "collections": "#/collections",
    "failures": "#/failures",
    "policies": "#/failures/policies",
    "reports": "#/reports",
    "reports-custom": "#/reports?range=custom",
    "workspace": "#/settings",
    "keys": "#/settings/keys",
    "people": "#/settings/people",
    "notifications": "#/settings/notifications",
    "recognition": "#/settings/recognition",
    "audit": "#/settings/audit",
}
AXE = Path(__file__).parents[3] / "web" / "node_modules" / "axe-core" / "axe.min.js"
NO_PICTURE_YET = "404 GET /image?size="
NOT_SIGNED_IN = "401 GET /api/session"


def test_a_sign_in_link_works_once_and_leaves_no_token_behind(visitor: Visitor, server: Serving) -> None:
    link = server.sign_in_link()
    at = visitor(signed=False)
    at.page.goto(link)
    expect(at.page.get_by_role("heading", level=1)).to_have_text("Photos")
    assert "token" not in at.page.url
    again = visitor(signed=False)
    again.expect_refusal("401 POST /api/session/link", NOT_SIGNED_IN)
    again.page.goto(link)
    expect(again.page.get_by_role("alert")).to_contain_text("link_used")


def test_a_wrong_password_is_told_and_the_right_one_leads_to_the_place_asked_for(
    visitor: Visitor, signed_visit_as: str
) -> None:
    at = visitor(signed=False)
    at.expect_refusal("401 /api/session")
    at.go("#/reports")
    at.page.get_by_label("User name").fill(signed_visit_as)
    at.page.get_by_label("Password").fill("not the password")
    at.page.keyboard.press("Enter")
    expect(at.page.get_by_role("alert")).to_contain_text("wrong_credentials")
    at.page.get_by_label("Password").fill(PASSWORD)
    at.page.keyboard.press("Enter")
    expect(at.page.get_by_role("heading", level=1)).to_have_text("Reports")
    expect(at.page.get_by_role("link", name="Settings")).to_have_count(0)  # a viewer has none
    at.page.get_by_role("button", name="Sign out").click()
    expect(at.page.get_by_role("heading", level=1)).to_have_text("Sign in")


PASSWORD = "correct horse battery"


@pytest.fixture
def signed_visit_as(visitor: Visitor) -> str:
    """Add a viewer through the page; returns the user name."""
    at = visitor()
    at.go("#/settings/people")
    if at.page.get_by_text("visitor").count() == 0:
        at.page.get_by_role("button", name="Add a person").click()
        dialog = at.page.get_by_role("dialog")
        dialog.get_by_label("User name").fill("visitor")
        dialog.get_by_label("Password").fill(PASSWORD)
        dialog.get_by_role("button", name="Add a person").click()
        expect(at.page.get_by_text("visitor can sign in now.")).to_be_visible()
    return "visitor"


def test_a_key_is_shown_once_and_works(visitor: Visitor, server: Serving) -> None:
    at = visitor()
    at.go("#/settings/keys")
    at.page.get_by_role("button", name="Create a key").click()
    dialog = at.page.get_by_role("dialog", name="Create a key")
    dialog.get_by_label("Name").fill("Lightroom export")
    dialog.get_by_role("button", name="Create a key").click()
    shown = at.page.get_by_role("dialog", name="Your new key")
    key = shown.get_by_label("Key", exact=True).input_value()
    assert key.startswith("ff_")
    at.picture("key-desktop-en")
    at.page.keyboard.press("Escape")
    expect(at.page.get_by_role("heading", name=re.compile("Lightroom export"))).to_be_visible()
    assert key not in at.page.content()
    stranger = visitor(signed=False)
    answer = stranger.page.request.get(f"{server.url}/api/photos", headers={"Authorization": f"Bearer {key}"})
    assert answer.ok


def test_face_recognition_needs_consent(visitor: Visitor) -> None:
    at = visitor()
    at.go("#/settings")
    switch = at.page.get_by_role("switch", name="Face recognition")
    switch.click()
    dialog = at.page.get_by_role("dialog")
    confirm = dialog.get_by_role("button", name="Switch it on")
    expect(confirm).to_be_disabled()
    at.page.keyboard.press("Escape")
    expect(switch).not_to_be_checked()
    switch.click()
    dialog.get_by_role("checkbox").check()
    confirm.click()
    expect(switch).to_be_checked()
    switch.click()
    expect(switch).not_to_be_checked()


def test_a_webhook_target_gets_a_secret_and_a_rule(visitor: Visitor) -> None:
    at = visitor()
    at.go("#/settings/notifications")
    at.page.get_by_role("button", name="Add a target").click()
    dialog = at.page.get_by_role("dialog", name="Add a target")
    dialog.get_by_role("textbox", name="Name").fill("Studio")
    dialog.get_by_role("textbox", name="Address").fill("https://studio.example/hook")
    dialog.get_by_role("button", name="Add a target").click()
    secret = at.page.get_by_role("dialog", name="Signing secret").get_by_role("textbox").input_value()
    assert secret.startswith("whsec_")
    at.page.keyboard.press("Escape")
    at.page.get_by_label("When").select_option("batch.done")
    at.page.get_by_role("button", name="Add a rule").click()
    expect(at.page.get_by_role("switch", name="A batch is finished → Studio")).to_be_checked()
    at.picture("notifications-desktop-en")


def test_the_language_is_switched_and_remembered(visitor: Visitor) -> None:
    at = visitor(locale="en-US")
    at.go("#/reports")
    expect(at.page.get_by_role("heading", level=1)).to_have_text("Reports")
    at.page.get_by_role("button", name="Português (Brasil)").click()
    expect(at.page.get_by_role("heading", level=1)).to_have_text("Relatórios")
    expect(at.page.locator("html")).to_have_attribute("lang", "pt-BR")
    at.page.reload()
    expect(at.page.get_by_role("heading", level=1)).to_have_text("Relatórios")


def test_a_server_that_goes_away_is_told_and_comes_back(browser: Browser, tmp_path: Path) -> None:
    port = free_port()
    with serving(tmp_path, port=port) as first:
        at = visit(browser.new_context(viewport=DESKTOP), first.url)
        at.page.goto(first.sign_in_link())
        expect(at.page.get_by_role("heading", level=1)).to_have_text("Photos")
        with at.page.expect_response("**/api/events"):
            at.page.reload()
    notice = at.page.get_by_text("Live updates are interrupted")
    expect(notice).to_be_visible()
    with serving(tmp_path, port=port):
        expect(notice).to_be_hidden()
    at.page.context.close()


def test_the_keyboard_reaches_everything(visitor: Visitor, tmp_path: Path) -> None:
    for name in ("first.jpg", "second.jpg"):
        (tmp_path / name).write_bytes(jpeg())
    at = visitor()
    at.go("#/")
    page = at.page
    page.get_by_test_id("files").set_input_files([tmp_path / "first.jpg", tmp_path / "second.jpg"])
    newest = page.get_by_role("list", name="Photos, newest first").get_by_role("link")
    expect(newest.filter(has_text="first.jpg")).to_be_visible()
    expect(newest.filter(has_text="second.jpg")).to_be_visible()
    page.reload()
    page.locator("h1").wait_for()

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Choose photos")).to_be_focused()

    newest.first.focus()
    page.keyboard.press("Enter")
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text(re.compile(r"(first|second)\.jpg"))
    expect(heading).to_be_focused()
    before = heading.inner_text()
    page.keyboard.press("ArrowRight")
    expect(heading).not_to_have_text(before)
    page.keyboard.press("ArrowLeft")
    expect(heading).to_have_text(before)

    remove = page.get_by_role("button", name="Delete")
    remove.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(remove).to_be_focused()


@pytest.mark.parametrize("locale", ["en-US", "pt-BR"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_every_place_fits_its_screen(visitor: Visitor, locale: str, size: str) -> None:
    at = visitor(locale=locale, viewport=DESKTOP if size == "desktop" else PHONE, has_touch=size == "phone")
    at.expect_refusal(NO_PICTURE_YET)
    for name, place in PLACES.items():
        at.go(place)
        at.page.wait_for_load_state("load")
        expect(at.page.locator("p.busy")).to_have_count(0)
        overhang = at.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert overhang <= 0, name
        at.picture(f"{name}-{size}-{locale[:2]}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed: run `npm ci` in web/")
def test_axe_finds_no_barrier(visitor: Visitor, scheme: str) -> None:
    at = visitor(color_scheme=scheme, reduced_motion="reduce")
    at.expect_refusal(NO_PICTURE_YET)
    found = []
    for name, place in PLACES.items():
        at.go(place)
        expect(at.page.locator("p.busy")).to_have_count(0)
        at.page.evaluate(AXE.read_text())
        for violation in at.page.evaluate("axe.run().then((result) => result.violations)"):
            nodes = [node["html"][:160] for node in violation["nodes"][:3]]
            found.append(f"{name}: {violation['id']}: {nodes}")
    assert found == [], "\n".join(found)
