"""Counting the faces of a photo from the left, as people find them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def places_of(faces: Iterable[Mapping[str, Any]]) -> list[float]:
    """Return the left edges of the faces of a photo, in order."""
    return sorted(left_of(face) for face in faces)


def numbered(face: Mapping[str, Any], places: Sequence[float]) -> dict[str, Any]:
    """Give a face its number among the faces of its photo, beginning with 1."""
    return {"number": places.index(left_of(face)) + 1, **face}


def left_of(face: Mapping[str, Any]) -> float:
    """Return the left edge, a ratio of the picture's width."""
    return float(face["bounding_box"]["left"])
