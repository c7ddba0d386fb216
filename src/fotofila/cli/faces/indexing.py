"""`fotofila faces index`: photos become faces of a collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fotofila.cli.faces.options import At
from fotofila.cli.faces.places import numbered, places_of
from fotofila.cli.faces.progress import counting
from fotofila.cli.faces.remote import Indexing, Wish, index_all, open_server
from fotofila.cli.output import print_table, say
from fotofila.cli.pictures import Picture

REASONS = {
    "EXCEEDS_MAX_FACES": "less prominent than the others",
    "EXTREME_POSE": "turned too far away",
    "LOW_BRIGHTNESS": "too dark",
    "LOW_SHARPNESS": "too blurred",
    "LOW_CONFIDENCE": "may be no face at all",
    "SMALL_BOUNDING_BOX": "too small",
    "LOW_FACE_QUALITY": "too poor to recognise",
}


async def index(at: At, pictures: Sequence[Picture], wish: Wish, done: list[Indexing], *, jobs: int) -> None:
    """Send every photo; `done` is true whenever it is stopped."""
    with counting("Indexing", len(pictures)) as advance:

        def told(one: Indexing) -> None:
            done.append(one)
            advance()

        async with open_server(at) as server:
            await index_all(server, pictures, wish, told, jobs=jobs)


def show(done: Sequence[Indexing]) -> None:
    """Print what became of each photo, and sum up."""
    rows = [(str(one.picture.path), outcome(one), "; ".join(left_out(one))) for one in done]
    print_table(("Photo", "Faces", "Left out"), rows)
    faces = sum(len(one.answer["faces"]) for one in done if one.answer and not one.answer["duplicates"])
    refused = sum(one.answer is None for one in done)
    words = [f"{faces} face{'' if faces == 1 else 's'} added", *([f"{refused} photos refused"] if refused else [])]
    say(", ".join(words) + ".")


def outcome(one: Indexing) -> str:
    """Say in a few words what became of a photo."""
    if one.answer is None:
        return one.sentence
    if one.answer["duplicates"]:
        return "there already"
    faces = one.answer["faces"]
    return str(len(faces)) if faces or one.answer["left_out"] else "there is none in it"


def left_out(one: Indexing) -> list[str]:
    """Say which faces of a photo were left out, counted from the left, and why."""
    if one.answer is None:
        return []
    out = one.answer["left_out"]
    places = places_of(each["face"] for each in (*one.answer["faces"], *out))
    reasons = {numbered(each["face"], places)["number"]: each["reasons"] for each in out}
    return [f"face {number} {', '.join(map(reason, reasons[number]))}" for number in sorted(reasons)]


def reason(code: str) -> str:
    """Say a reason in words."""
    return REASONS.get(code, code)


def shape(one: Indexing) -> Mapping[str, Any]:
    """Shape what became of a photo for programs."""
    if one.answer is None:
        return {"file": str(one.picture.path), "error": {"code": one.code, "sentence": one.sentence}}
    return {"file": str(one.picture.path), **one.answer}
