"""`fotofila faces list`, for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fotofila.cli.output import print_table, say

NONE = "-"


def show_collections(items: Sequence[Mapping[str, Any]]) -> None:
    """Print collections."""
    if not items:
        say("There is no collection: make one on the page of the server, or with POST /api/collections.")
        return
    rows = [
        (
            item["name"],
            str(item["face_count"]),
            str(item["user_count"]),
            f"{item['ttl_days']} days" if item["ttl_days"] else "until deleted",
            item["model"],
            item["consent_note"] or NONE,
        )
        for item in items
    ]
    print_table(("Collection", "Faces", "People", "Kept", "Model", "Consent"), rows)


def show_members(items: Sequence[Mapping[str, Any]], collection: str) -> None:
    """Print the faces of a collection."""
    if not items:
        say(f"There is no face: add some with `fotofila faces index {collection} PATH`.")
        return
    rows = [
        (
            item["face_id"],
            item["external_image_id"] or NONE,
            item["user_id"] or NONE,
            f"{item['face']['confidence']:.0%}",
            f"{item['face']['quality']['sharpness']:.0f}",
            item["indexed_at"][:16].replace("T", " "),
        )
        for item in items
    ]
    print_table(("Face", "External id", "Person", "Sure", "Sharp", "Added"), rows)
