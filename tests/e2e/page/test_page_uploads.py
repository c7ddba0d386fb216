"""Large photos from the page: a network that goes away, a page that is closed; and photos that are there twice."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import CDPSession, expect

from fotofila.testing.pictures import jpeg
from tests.e2e.page.conftest import Visitor
from tests.e2e.page.visiting import Visit

pytestmark = pytest.mark.e2e

SIZE = 24 * 1024 * 1024
LINE = {"latency": 5, "downloadThroughput": -1, "uploadThroughput": 5 * 1024 * 1024}
ARRIVAL_MS = 90_000


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """Return a photo of 24 MB; what follows its end belongs to it."""
    file, small = tmp_path / "large.jpg", jpeg()
    file.write_bytes(small + b"\0" * (SIZE - len(small)))
    return file


def choose(at: Visit, *files: Path) -> None:
    at.page.get_by_test_id("files").set_input_files(files)


def slow_down(at: Visit) -> CDPSession:
    """Have bytes take their time."""
    session = at.page.context.new_cdp_session(at.page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", {**LINE, "offline": False})
    return session


def ask(at: Visit, path: str) -> Any:
    """Ask the server, beside the page."""
    return at.page.context.request.get(f"{at.url}{path}").json()


def uploads_of(at: Visit, name: str) -> list[dict[str, Any]]:
    """Return every upload of a file name that was ever begun."""
    return [one for one in ask(at, "/api/uploads")["items"] if one["filename"] == name]


def until(at: Visit, condition: Callable[[], bool]) -> None:
    """Look until something is so on the server."""
    for _ in range(600):
        if condition():
            return
        at.page.wait_for_timeout(50)
    raise AssertionError("it did not come to be")


def begin(at: Visit, file: Path) -> CDPSession:
    """Send a file until some of it has arrived, and not yet all."""
    at.go("#/")
    line = slow_down(at)
    choose(at, file)
    until(at, lambda: any(one["offset_bytes"] > 0 for one in uploads_of(at, file.name)))
    return line


def cut(at: Visit, line: CDPSession, *, offline: bool) -> None:
    """Take the network away, or give it back; a line that was slowed down must be told apart."""
    at.page.context.set_offline(offline)
    line.send("Network.emulateNetworkConditions", {**LINE, "offline": offline})


def check_whole(at: Visit, file: Path) -> None:
    """There is one photo, with every byte, that came in by one upload."""
    (upload,) = uploads_of(at, file.name)
    assert upload["state"] == "done"
    photo = ask(at, f"/api/photos/{upload['photo_id']}")
    assert photo["checksum_sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()


def test_an_upload_goes_on_when_the_network_is_back(visitor: Visitor, large: Path) -> None:
    file = large.rename(large.with_name("cut.jpg"))
    at = visitor()
    line = begin(at, file)
    cut(at, line, offline=True)
    expect(at.page.get_by_text("Waiting", exact=True)).to_be_visible()
    at.picture("upload-offline-en")
    (upload,) = uploads_of(at, file.name)
    assert 0 < upload["offset_bytes"] < SIZE
    cut(at, line, offline=False)
    expect(at.page.get_by_text("1 photo finished", exact=True)).to_be_visible(timeout=ARRIVAL_MS)
    check_whole(at, file)


def test_an_upload_goes_on_after_the_page_was_closed(visitor: Visitor, large: Path) -> None:
    file = large.rename(large.with_name("closed.jpg"))
    at = visitor()
    begin(at, file)
    at.page.reload()
    at.page.locator("h1").wait_for()
    (upload,) = uploads_of(at, file.name)
    assert 0 < upload["offset_bytes"] < SIZE
    choose(at, file)
    expect(at.page.get_by_text("1 photo finished", exact=True)).to_be_visible(timeout=ARRIVAL_MS)
    check_whole(at, file)
    assert at.page.evaluate("localStorage.getItem('fotofila.uploads')") is None


def test_an_upload_that_is_cancelled_leaves_nothing(visitor: Visitor, large: Path) -> None:
    file = large.rename(large.with_name("cancelled.jpg"))
    at = visitor()
    begin(at, file)
    at.page.get_by_role("button", name="Cancel cancelled.jpg").click()
    until(at, lambda: uploads_of(at, file.name) == [])
    assert at.page.evaluate("localStorage.getItem('fotofila.uploads')") is None


def test_a_large_file_that_is_no_photo_is_refused_with_a_sentence(visitor: Visitor, tmp_path: Path) -> None:
    file = tmp_path / "letter.jpg"
    file.write_bytes(b"Dear photographer, this is a long letter. " * (SIZE // 42))
    at = visitor()
    at.expect_refusal("415 PATCH /api/uploads/tus/")
    at.go("#/")
    choose(at, file)
    expect(at.page.get_by_text("This is a text")).to_be_visible()


def test_a_photo_that_is_chosen_twice_does_not_leave_the_bar_half_full(visitor: Visitor, tmp_path: Path) -> None:
    content = jpeg()
    files = [tmp_path / "one.jpg", tmp_path / "copy.jpg"]
    for file in files:
        file.write_bytes(content)
    at = visitor()
    at.go("#/")
    choose(at, *files)
    expect(at.page.get_by_test_id("upload-announcement")).to_have_text("2 of 2 photos finished.")
    expect(at.page.get_by_text("Already in your library")).to_be_visible()
    choose(at, *files)  # all known: their batch is empty, and shows no bar that nobody fills
    expect(at.page.get_by_text("Already in your library")).to_have_count(2)
    expect(at.page.get_by_role("progressbar", name="Progress of")).to_have_count(0)
