"""The way of a photo, seen from the page: in, live, faces, failures."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from fotofila.testing.pictures import jpeg
from tests.e2e.page.conftest import PHONE, Broken, Visitor
from tests.e2e.page.serving import Serving
from tests.e2e.page.visiting import Visit

ANALYSIS_MS = 60_000
NO_PICTURE_YET = "404 GET /image?size="

pytestmark = pytest.mark.e2e


def choose(page: Page, *files: Path) -> None:
    """Choose files as the button does."""
    page.get_by_test_id("files").set_input_files(files)


def upload(at: Visit, *files: Path) -> None:
    """Choose files on the front page, and wait until each of them is in the grid."""
    at.go("#/")
    choose(at.page, *files)
    for file in files:
        expect(tile(at.page, file.name)).to_be_visible(timeout=ANALYSIS_MS)


def tile(page: Page, name: str) -> Locator:
    """Return the photo of a name in the grid."""
    return page.get_by_role("list", name=re.compile("Photos, newest|Fotos, das mais")).get_by_role("link", name=name)


def send(at: Visit, server: Serving, photo: bytes, name: str) -> None:
    """Send a photo as a program does."""
    sent = at.page.request.post(
        f"{server.url}/api/photos?filename={name}",
        data=photo,
        headers={"Origin": server.url, "Content-Type": "image/jpeg"},
    )
    assert sent.ok


def test_faces_come_out_of_a_photo_that_went_in(visitor: Visitor, group_photo: Path) -> None:
    at = visitor()
    upload(at, group_photo)
    expect(tile(at.page, group_photo.name)).to_contain_text(re.compile(r"\d+ faces"), timeout=ANALYSIS_MS)
    at.picture("photos-desktop-en")
    tile(at.page, group_photo.name).click()
    rows = at.page.locator("ol li details")
    expect(rows.first).to_be_visible()
    drawn = at.page.locator("svg g.face")
    expect(drawn).to_have_count(rows.count())
    assert rows.count() in range(28, 31)
    at.picture("photo-desktop-en")


def test_a_face_and_its_row_light_up_together(visitor: Visitor, group_photo: Path) -> None:
    at = visitor()
    upload(at, group_photo)
    expect(tile(at.page, group_photo.name)).to_contain_text(re.compile(r"\d+ faces"), timeout=ANALYSIS_MS)
    tile(at.page, group_photo.name).click()
    at.page.locator("ol li summary").nth(3).focus()
    expect(at.page.locator("svg g.face.active")).to_have_attribute("aria-label", re.compile("^Face 4:"))
    at.page.locator("svg g.face").nth(0).hover()
    expect(at.page.locator("ol li.active")).to_have_count(1)
    at.page.get_by_role("button", name="Landmarks").click()
    expect(at.page.locator("svg g.face").first.locator("circle")).to_have_count(5)
    at.page.get_by_role("button", name="Faces").click()
    expect(at.page.locator("svg g.face")).to_have_count(0)


def test_a_photo_sent_by_a_program_appears_without_reloading(visitor: Visitor, server: Serving) -> None:
    at = visitor()
    with at.page.expect_response("**/api/events"):  # events from before the stream was open are not resent
        at.go("#/")
    send(at, server, jpeg(), "from_elsewhere.jpg")
    expect(tile(at.page, "from_elsewhere.jpg")).to_be_visible()


def test_progress_is_told_and_the_same_photo_is_known_again(visitor: Visitor, tmp_path: Path) -> None:
    files = [tmp_path / f"batch_{number}.jpg" for number in range(5)]
    for file in files:
        file.write_bytes(jpeg())
    at = visitor()
    upload(at, *files)
    expect(at.page.get_by_text("5 photos finished", exact=True)).to_be_visible(timeout=ANALYSIS_MS)
    expect(at.page.get_by_test_id("upload-announcement")).to_have_text("5 of 5 photos finished.")
    choose(at.page, files[0])
    expect(at.page.get_by_text("Already in your library")).to_be_visible()


def test_a_file_that_is_no_photo_is_refused_with_a_sentence(visitor: Visitor, tmp_path: Path) -> None:
    file = tmp_path / "letter.jpg"
    file.write_text("Dear photographer, this is a letter.")
    at = visitor()
    at.expect_refusal("415 POST /api/photos")
    at.go("#/")
    choose(at.page, file)
    expect(at.page.get_by_text("This is a text")).to_be_visible()
    expect(at.page.get_by_role("button", name="Upload letter.jpg again")).to_be_visible()


def test_a_broken_photo_explains_itself_and_is_sent_again(visitor: Visitor, tmp_path: Path, broken: Broken) -> None:
    file = tmp_path / "cut_off.jpg"
    file.write_bytes(broken.content)
    at = visitor()
    at.expect_refusal(NO_PICTURE_YET)
    upload(at, file)
    expect(tile(at.page, file.name)).to_contain_text("Failed", timeout=ANALYSIS_MS)
    at.go("#/failures")
    at.picture("failures-desktop-en")
    at.page.locator("main li .sentence").first.click()
    expect(at.page.get_by_role("heading", level=1)).to_have_text(file.name)
    expect(at.page.get_by_text(broken.code).first).to_be_visible()
    at.page.get_by_text("Stack, for the operator").click()
    expect(at.page.locator("pre").first).to_contain_text("Error")
    at.picture("failure-desktop-en")
    at.page.get_by_role("button", name="Send again").click()
    expect(at.page.get_by_text("1 photo is back in the queue.")).to_be_visible()
    at.go("#/failures?state=redriven")
    expect(at.page.locator("main li .sentence").first).to_be_visible()


def test_a_folder_gives_its_photos_and_leaves_the_rest(visitor: Visitor, tmp_path: Path) -> None:
    folder = tmp_path / "Wedding"
    (folder / "church").mkdir(parents=True)
    (folder / "church" / "ring.jpg").write_bytes(jpeg())
    (folder / "cake.jpg").write_bytes(jpeg())
    (folder / "cake.xmp").write_text("<x/>")
    at = visitor()
    at.go("#/")
    at.page.get_by_label("Choose a folder").and_(at.page.locator("input")).set_input_files(folder)
    expect(at.page.get_by_text("1 other file was left out.")).to_be_visible()
    for name in ("ring.jpg", "cake.jpg"):
        expect(tile(at.page, name)).to_be_visible(timeout=ANALYSIS_MS)
    at.page.reload()
    at.page.get_by_role("button", name="Filters").click()
    at.page.get_by_label("Batch").select_option("Wedding")
    expect(tile(at.page, "ring.jpg")).to_be_visible()
    expect(at.page.get_by_role("list", name="Photos, newest").get_by_role("link")).to_have_count(2)


@pytest.mark.parametrize("gesture", ["drop", "paste"])
def test_photos_are_dropped_and_pasted(visitor: Visitor, gesture: str) -> None:
    at = visitor()
    at.go("#/")
    at.page.evaluate(
        """([gesture, name, bytes]) => {
          const held = new DataTransfer();
          held.items.add(new File([new Uint8Array(bytes)], name, { type: "image/jpeg" }));
          const event = gesture === "drop"
            ? new DragEvent("drop", { dataTransfer: held, bubbles: true, cancelable: true })
            : new ClipboardEvent("paste", { clipboardData: held, bubbles: true });
          document.querySelector("main").dispatchEvent(event);
        }""",
        [gesture, f"{gesture}.jpg", list(jpeg())],
    )
    expect(tile(at.page, f"{gesture}.jpg")).to_be_visible(timeout=ANALYSIS_MS)


def test_the_history_is_filtered_and_the_address_remembers(visitor: Visitor, tmp_path: Path) -> None:
    names = ("needle.jpg", "hay.jpg")
    for name in names:
        (tmp_path / name).write_bytes(jpeg())
    at = visitor()
    upload(at, *(tmp_path / name for name in names))
    at.page.get_by_placeholder("File name or camera").fill("needle")
    expect(tile(at.page, "hay.jpg")).to_have_count(0)
    expect(tile(at.page, "needle.jpg")).to_be_visible()
    assert "q=needle" in at.page.url
    at.page.reload()
    expect(tile(at.page, "needle.jpg")).to_be_visible()
    expect(tile(at.page, "hay.jpg")).to_have_count(0)
    at.page.get_by_placeholder("File name or camera").fill("nothing has this name")
    at.page.get_by_role("heading", name="No photo matches").wait_for()
    at.page.get_by_role("button", name="Clear the filters").last.click()
    expect(tile(at.page, "hay.jpg")).to_be_visible()


def test_reports_show_plots_and_the_same_as_tables(visitor: Visitor, tmp_path: Path) -> None:
    (tmp_path / "counted.jpg").write_bytes(jpeg())
    at = visitor()
    upload(at, tmp_path / "counted.jpg")
    expect(tile(at.page, "counted.jpg")).to_contain_text("no faces", timeout=ANALYSIS_MS)  # what is done is counted
    at.go("#/reports")
    at.page.get_by_role("button", name="24 hours").click()
    figure = at.page.get_by_role("figure", name="Photos over time")
    expect(figure.locator("svg rect.main:not([height='0'])").first).to_be_visible()
    figure.get_by_text("Show as a table").click()
    expect(figure.get_by_role("columnheader", name="Photos")).to_be_visible()
    with at.page.expect_download() as download:
        at.page.get_by_role("link", name="CSV").click()
    assert b"counted.jpg" in download.value.path().read_bytes()


def test_reports_follow_what_happens_and_stay_where_they_are(visitor: Visitor, server: Serving, tmp_path: Path) -> None:
    (tmp_path / "before.jpg").write_bytes(jpeg())
    at = visitor(viewport=PHONE)
    page = at.page
    upload(at, tmp_path / "before.jpg")
    expect(tile(page, "before.jpg")).to_contain_text("no faces", timeout=ANALYSIS_MS)
    at.go("#/reports?range=week")
    figure = page.get_by_role("figure", name="Photos over time")
    figure.get_by_text("Show as a table").click()
    _, done, _ = figure.get_by_role("row").last.get_by_role("cell").all()
    photos = page.locator("dl.totals dd").first
    photos_before, done_before = int(photos.inner_text()), int(done.inner_text())
    figure.evaluate("figure => { window.kept = figure; figure.scrollIntoView(); }")
    scrolled = page.evaluate("window.scrollY")
    assert scrolled > 0

    send(at, server, jpeg(), "after.jpg")
    expect(photos).to_have_text(str(photos_before + 1))
    analysed = "([cell, before]) => Number(cell.innerText) > before"
    page.wait_for_function(analysed, arg=[done.element_handle(), done_before], timeout=ANALYSIS_MS)
    assert figure.evaluate("figure => figure === window.kept")
    assert page.evaluate("window.scrollY") == scrolled
    assert page.url.endswith("#/reports?range=week")
    expect(page.get_by_role("button", name="7 days")).to_have_attribute("aria-pressed", "true")


def test_a_photo_is_deleted_after_a_question(visitor: Visitor, tmp_path: Path) -> None:
    file = tmp_path / "mistake.jpg"
    file.write_bytes(jpeg())
    at = visitor()
    upload(at, file)
    tile(at.page, file.name).click()
    at.page.get_by_role("button", name="Delete").click()
    dialog = at.page.get_by_role("dialog", name="Delete this photo?")
    dialog.get_by_role("button", name="Delete").click()
    expect(at.page.get_by_text("The photo was deleted.")).to_be_visible()
    expect(tile(at.page, file.name)).to_have_count(0)


def test_on_a_phone_in_portuguese(visitor: Visitor, group_photo: Path) -> None:
    at = visitor(locale="pt-BR", viewport=PHONE, has_touch=True)
    upload(at, group_photo)
    expect(tile(at.page, group_photo.name)).to_contain_text(re.compile(r"\d+ rostos"), timeout=ANALYSIS_MS)
    at.picture("photos-phone-pt")
    tile(at.page, group_photo.name).tap()
    expect(at.page.get_by_role("heading", name=re.compile(r"^\d+ rostos$"))).to_be_visible()
    at.picture("photo-phone-pt")
