"""Comparing and searching files, without a server."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import httpx
import pytest
from PIL import Image

from fotofila.cli.faces.indexing import REASONS, left_out, outcome
from fotofila.cli.faces.remote import Indexing, Wish, external_id_of, index_one
from fotofila.cli.faces.tables import floor_tenth, meaning
from fotofila.cli.pictures import Picture
from fotofila.cli.pinned import demo_photo, needed_files, unmet_roles
from fotofila.cli.upload.server import Server
from fotofila.core.config import load_settings
from fotofila.core.inference.store import list_files
from fotofila.faces.collections.types import LeftOutReason
from tests.cli.conftest import Run

PEOPLE = {"curie": (1237, 1210), "einstein": (1631, 1188), "langevin": (1903, 1191)}
"""Centres of faces of the demo photo, in pixels."""
HALF = 85
NOBODY = 3


@pytest.fixture(autouse=True)
def faces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOTOFILA_CAPABILITIES", "library,access,notify,faces")
    monkeypatch.setenv("FOTOFILA_WORKERS", "1")
    monkeypatch.setenv("FOTOFILA_DETECTION", "fast")


@pytest.fixture(scope="module")
def portraits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of portraits of three people, cut out of the demo photo; `make test` has fetched it and the models."""
    settings = load_settings(capabilities="library,access,notify,faces")
    missing = unmet_roles(list_files(needed_files(settings), settings.models_dir))
    assert not missing, f"run `make models` first: {missing}"
    folder = tmp_path_factory.mktemp("portraits")
    with Image.open(demo_photo(settings)) as photo:
        for name, (x, y) in PEOPLE.items():
            portrait = photo.crop((x - HALF, y - HALF, x + HALF, y + HALF))
            portrait.save(folder / f"{name}.png")
    return folder


def test_the_person_of_one_photo_is_found_in_another(cli: Run, portraits: Path, tmp_path: Path, data_dir: Path) -> None:
    with Image.open(portraits / "curie.png") as portrait:
        portrait.resize((140, 140)).save(tmp_path / "smaller.png")
    ran = cli("faces", "compare", portraits / "curie.png", tmp_path / "smaller.png", "--json")
    assert ran.code == 0
    assert ran.json["matched"]
    best = ran.json["matches"][0]
    assert best["similarity"] > 99
    assert best["file"] == str(tmp_path / "smaller.png")
    assert "embedding" not in best
    assert not data_dir.exists()


def test_another_person_is_not_and_the_exit_code_says_so(cli: Run, portraits: Path) -> None:
    ran = cli("faces", "compare", portraits / "curie.png", portraits / "einstein.png")
    assert ran.code == NOBODY
    assert "probably somebody else" in ran.out


def test_a_folder_is_searched_for_everyone_in_a_photo(cli: Run, portraits: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"")
    with Image.open(portraits / "einstein.png") as portrait:
        portrait.resize((150, 150)).save(tmp_path / "somebody.png")
    ran = cli("faces", "search", tmp_path / "somebody.png", "--in", portraits, "--in", tmp_path, "--json")
    assert ran.code == 1
    assert [Path(error["file"]).name for error in ran.json["errors"]] == ["broken.jpg"]
    (face,) = [face for face in ran.json["faces"] if face["matches"]]
    assert [Path(match["file"]).name for match in face["matches"]] == ["einstein.png"]


def test_a_photo_without_faces_is_told(cli: Run, portraits: Path, tmp_path: Path) -> None:
    Image.new("RGB", (400, 300), "steelblue").save(tmp_path / "sky.png")
    ran = cli("faces", "search", tmp_path / "sky.png", "--in", portraits)
    assert ran.code == 1
    assert "There is no face in" in ran.err


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("search", "x.jpg"), "--collection NAME"),
        (("search", "x.jpg", "--in", ".", "--collection", "c"), "--in DIR"),
        (("search", "x.jpg", "--collection", "c"), "FOTOFILA_KEY"),
        (("search", "x.jpg", "--collection", "c", "--key", "ff_x", "--url", "photos.example.org"), "http://"),
        (("index", "c", "x.jpg"), "FOTOFILA_KEY"),
        (("list", "c"), "FOTOFILA_KEY"),
    ],
)
def test_what_is_missing_is_named(cli: Run, arguments: tuple[str, ...], named: str) -> None:
    ran = cli("faces", *arguments)
    assert ran.code == 2
    assert named in ran.err


@pytest.mark.parametrize(
    ("similarity", "words"),
    [(99.0, "very likely"), (98.99, "probably the same"), (80.0, "may be"), (79.99, "probably somebody else")],
)
def test_a_similarity_is_said_in_words(similarity: float, words: str) -> None:
    assert words in meaning(similarity)


def test_a_similarity_is_never_shown_higher_than_it_is() -> None:
    assert floor_tenth(98.97) == "98.9"


@pytest.mark.parametrize(
    ("name", "called"),
    [("maria-silva.jpg", "maria-silva"), ("João Conceição (2).JPG", "Joao-Conceicao-2"), ("写真.jpg", None)],
)
def test_faces_are_called_what_their_file_is(name: str, called: str | None) -> None:
    assert external_id_of(Path(name)) == called


def indexed(*, added: list[float], out: list[tuple[float, list[str]]], duplicates: bool = False) -> Indexing:
    def at(left: float) -> dict[str, Any]:
        return {"bounding_box": {"left": left}}

    answer = {
        "faces": [{"face": at(left)} for left in added],
        "left_out": [{"face": at(left), "reasons": reasons} for left, reasons in out],
        "duplicates": duplicates,
    }
    return Indexing(picture=Picture(path=Path("a.jpg"), size_bytes=1), answer=answer)


def test_a_face_that_was_left_out_is_told_by_its_place_and_in_words() -> None:
    one = indexed(added=[0.5], out=[(0.9, ["LOW_SHARPNESS"]), (0.1, ["SMALL_BOUNDING_BOX", "LOW_BRIGHTNESS"])])
    assert left_out(one) == ["face 1 too small, too dark", "face 3 too blurred"]
    assert outcome(one) == "1"


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (indexed(added=[], out=[]), "there is none in it"),
        (indexed(added=[0.2], out=[], duplicates=True), "there already"),
        (Indexing(picture=Picture(path=Path("a.jpg"), size_bytes=1), code="x", sentence="No photo."), "No photo."),
    ],
)
def test_what_became_of_a_photo_is_told(one: Indexing, told: str) -> None:
    assert outcome(one) == told


def test_every_reason_has_words() -> None:
    assert set(get_args(LeftOutReason)) - {"FACE_NOT_LARGEST"} == set(REASONS)  # that one is of searches


async def test_a_consent_goes_with_the_photo_in_a_form_and_not_in_the_address(tmp_path: Path) -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"faces": [], "left_out": [], "duplicates": False})

    (tmp_path / "ana.jpg").write_bytes(b"pixels")
    picture = Picture(path=tmp_path / "ana.jpg", size_bytes=6)
    consent = {"consent": "Form 7b", "consent_given_by": "Maria"}
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://photos") as client:
        for given in ({}, consent):
            wish = Wish(collection="c", external_id=lambda _: "ana", quality="AUTO", most=5, consent=given)
            assert (await index_one(Server(client), picture, wish)).answer is not None
    raw, form = asked
    assert raw.content == b"pixels"
    assert all(part in form.content for part in (b'name="consent"', b"Form 7b", b"Maria", b'name="image"', b"pixels"))
    assert "consent" not in str(form.url)
    assert "external_image_id=ana" in str(form.url)
