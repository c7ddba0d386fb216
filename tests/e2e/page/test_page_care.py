"""What recognition keeps, who did what, and changing the model: seen from the page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, Route, StorageState, expect

from fotofila.core.ids import new_id
from tests.e2e.page.conftest import DESKTOP, PHONE, Visitor
from tests.e2e.page.serving import Serving
from tests.e2e.page.test_page_places import AXE

OLD, NEW = "sface-2021dec-bytes", "edgeface-s-gamma05-2023"

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def client(server: Serving, signed_in: StorageState, with_faces: bool) -> Iterator[httpx.Client]:
    """Ask the API as the page does."""
    if not with_faces:
        pytest.skip("The models are not here: run `fotofila models fetch`.")
    cookies = {cookie["name"]: cookie["value"] for cookie in signed_in["cookies"]}
    with httpx.Client(base_url=server.url, cookies=cookies, headers={"Origin": server.url}, timeout=60) as made:
        yield made


@pytest.fixture
def visitors(client: httpx.Client) -> Iterator[str]:
    """Make a collection that nobody is in yet; returns its name."""
    name = f"visitors-{new_id()}"  # the log tells of every collection that there ever was
    client.post("/api/collections", json={"name": name, "switched_on": True}).raise_for_status()
    yield name
    client.delete(f"/api/collections/{name}")


def barriers(page: Page) -> list[str]:
    """Return what axe finds, and what is wider than a phone."""
    page.set_viewport_size(PHONE)
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    page.set_viewport_size(DESKTOP)
    found = [f"{wide} pixels too wide"] if wide > 0 else []
    if AXE.is_file():
        page.evaluate(AXE.read_text())
        violations = page.evaluate("axe.run().then((result) => result.violations)")
        found += [f"{each['id']}: {[node['html'][:160] for node in each['nodes'][:3]]}" for each in violations]
    return found


def test_what_is_kept_is_erased_with_a_receipt_and_the_log_tells_of_it(
    visitor: Visitor, client: httpx.Client, visitors: str
) -> None:
    at = visitor(reduced_motion="reduce")
    page = at.page
    at.go("#/settings/recognition")
    page.get_by_role("button", name=f"Erase the collection {visitors}?").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"The collection {visitors} with no faces")
    erase = dialog.get_by_role("button", name="Erase", exact=True)
    expect(erase).to_be_disabled()
    dialog.get_by_label("Reason").fill("The event is over.")
    dialog.get_by_label(f"Type {visitors} to confirm").fill(visitors)
    assert barriers(page) == []
    erase.click()
    erased = page.get_by_role("dialog", name="Erased")
    expect(erased.get_by_role("link", name="Download the receipt")).to_be_visible()
    page.keyboard.press("Escape")
    newest = page.get_by_role("list", name="Erasures").get_by_role("listitem").first
    expect(newest).to_contain_text("The event is over.")
    newest.get_by_role("button").click()
    receipt = page.get_by_role("dialog", name="Receipt of an erasure")
    expect(receipt).to_contain_text(f"{visitors}: the whole collection")
    at.picture("receipt-desktop-en")
    assert barriers(page) == []
    document = client.get(receipt.get_by_role("link", name="Download").get_attribute("href") or "").json()
    assert document["reason"] == "The event is over."

    at.go(f"#/settings/audit?action=faces&subject={visitors}")  # the receipt quotes the entry: it is there
    rows = page.get_by_role("list", name="Entries of the audit log").get_by_role("listitem")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Erased for good")
    rows.get_by_text("Details").click()
    expect(rows).to_contain_text(document["audit"]["hash"])
    page.get_by_label("What", exact=True).select_option("collection.create")
    expect(rows).to_contain_text("Collection created")
    page.get_by_role("button", name="Check the chain").click()
    expect(page.get_by_test_id("chain")).to_contain_text(re.compile(r"The chain is whole: [\d,]+ entr"))
    assert barriers(page) == []


class Change:
    """Answers as the server does that has a second pack, which is not fetched everywhere that tests run."""

    def __init__(self, collection: str) -> None:
        self.collection = collection
        self.state: dict[str, Any] | None = None

    def describe(self, route: Route) -> None:
        """Let the server describe the collection, but for the change that it knows nothing of."""
        told = route.fetch()
        route.fulfill(response=told, json={**told.json(), "changing_model": self.state is not None})

    def answer(self, route: Route) -> None:
        """Play one request."""
        what = (route.request.method, route.request.url.rpartition("/model")[2])
        if what == ("GET", "/choices"):
            return route.fulfill(json={"model": OLD, "choices": [NEW]})
        if what[1].startswith("/left-behind"):
            face = {"face_id": "0" * 32, "external_image_id": "badge-7", "model": NEW, "reason": "no_source"}
            return route.fulfill(json={"items": [face], "next_cursor": None})
        if what == ("POST", "/compare"):
            asked = json.loads(route.request.post_data or "{}")
            figures = {"same_best": 0.98, "same_matches": 0.96, "only_from": 1, "only_to": 4, "similarity_gap": 1.5}
            models = {"from_model": OLD, "to_model": NEW}
            return route.fulfill(json={**asked, **models, **figures})
        if what == ("POST", ""):
            self.state = self.at("embedding", embedded=12)
        elif what == ("POST", "/switch"):
            self.state = self.at("switched", embedded=31)
        elif what == ("POST", "/roll-back"):
            self.state = {**self.at("ready", embedded=31), "switched_at": "2026-02-01T10:00:00Z"}
        if self.state is None:
            return route.fulfill(status=404, json={"code": "no_model_change", "detail": "There is none."})
        return route.fulfill(json=self.state)

    def at(self, state: str, *, embedded: int) -> dict[str, Any]:
        """Shape how far it is, of 32 faces."""
        switched = state == "switched"
        return {
            "collection": self.collection,
            "model": NEW if switched else OLD,
            "from_model": OLD,
            "to_model": NEW,
            "state": state,
            "faces": 32,
            "embedded": embedded,
            "left_behind": 1,
            "progress": (embedded + 1) / 32,
            "started_at": "2026-02-01T09:00:00Z",
            "switched_at": "2026-02-01T10:00:00Z" if switched else None,
        }


def test_a_change_of_model_is_started_compared_switched_and_rolled_back(visitor: Visitor, visitors: str) -> None:
    at = visitor(reduced_motion="reduce")
    page, change = at.page, Change(visitors)
    page.route(re.compile(f"/api/collections/{visitors}$"), change.describe)
    page.route(re.compile(f"/api/collections/{visitors}/model"), change.answer)
    at.go(f"#/collections/{visitors}")
    page.get_by_role("link", name="Model", exact=True).click()
    page.get_by_role("button", name="Start the change").click()
    heading = page.get_by_role("heading", name="From SFace to EdgeFace-S")
    expect(heading).to_be_visible()
    expect(page.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "41")
    change.state = change.at("ready", embedded=31)
    expect(page.get_by_text("Ready to switch")).to_be_visible()  # the page looks again by itself
    expect(page.get_by_text("badge-7")).to_be_visible()

    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.get_by_test_id("verdict")).to_contain_text("The models agree nearly always")
    page.get_by_text("Show as a table").click()
    assert barriers(page) == []
    at.picture("model-desktop-en")

    page.get_by_role("button", name="Switch to the new model").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("1 face cannot follow")
    assert barriers(page) == []
    dialog.get_by_role("button", name="Switch to the new model").click()
    expect(page.get_by_text("Searches use the new model").first).to_be_visible()
    expect(page.get_by_role("button", name="Finish the change")).to_be_enabled()
    page.get_by_role("button", name="Go back to the old model").click()
    page.get_by_role("dialog").get_by_role("button", name="Go back to the old model").click()
    expect(page.get_by_role("button", name="Switch again")).to_be_visible()
