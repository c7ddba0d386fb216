"""Which faces are good enough, and which are taken when there are too many.

The bars were set on press photos and crowds; how many pass them stands in docs/explanation/collections.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fotofila.faces.collections.types import LeftOut, LeftOutReason, QualityFilter
from fotofila.faces.engine.base import Found, FoundFace
from fotofila.faces.face import Face


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """What a face must reach."""

    confidence: float
    """0-1."""
    pixels: float
    """Of the shorter side of the box."""
    yaw: float
    """Degrees to either side, at most."""
    pitch: float
    """Degrees up or down, at most."""
    brightness: float
    """0-100, at least; and at most 100 minus a fifth of it, which is burnt out."""
    sharpness: float
    """0-100."""


BARS: dict[QualityFilter, Bar] = {
    "LOW": Bar(confidence=0.5, pixels=20, yaw=65, pitch=50, brightness=8, sharpness=1),
    "MEDIUM": Bar(confidence=0.6, pixels=32, yaw=50, pitch=40, brightness=15, sharpness=4),
    "HIGH": Bar(confidence=0.75, pixels=64, yaw=30, pitch=30, brightness=25, sharpness=15),
}
AUTO: QualityFilter = "MEDIUM"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The faces that are taken, the best first, and those that are left out."""

    faces: tuple[FoundFace, ...]
    left_out: tuple[LeftOut, ...]


def choose(found: Found, *, quality_filter: QualityFilter, max_faces: int) -> Chosen:
    """Take the faces that pass the filter; of too many, those that pass `AUTO` first, then the largest."""
    passed: list[FoundFace] = []
    left_out: list[LeftOut] = []
    for each in found.faces:
        reasons = () if quality_filter == "NONE" else shortcomings(each.face, found, bar_of(quality_filter))
        if reasons:
            left_out.append(LeftOut(face=each.face, reasons=reasons))
        else:
            passed.append(each)
    bar = BARS[AUTO]
    ranked = sorted(passed, key=lambda each: (bool(shortcomings(each.face, found, bar)), -area(each.face)))
    left_out += [LeftOut(face=each.face, reasons=("EXCEEDS_MAX_FACES",)) for each in ranked[max_faces:]]
    return Chosen(faces=tuple(ranked[:max_faces]), left_out=tuple(left_out))


def largest(found: Found, *, quality_filter: QualityFilter) -> Chosen:
    """Take the largest face that passes the filter."""
    chosen = choose(found, quality_filter=quality_filter, max_faces=len(found.faces))
    ranked = sorted(chosen.faces, key=lambda each: -area(each.face))
    others = tuple(LeftOut(face=each.face, reasons=("FACE_NOT_LARGEST",)) for each in ranked[1:])
    return Chosen(faces=tuple(ranked[:1]), left_out=others + chosen.left_out)


def bar_of(quality_filter: QualityFilter) -> Bar:
    """Return the bar of a filter other than `NONE`."""
    return BARS[AUTO if quality_filter == "AUTO" else quality_filter]


def shortcomings(face: Face, found: Found, bar: Bar) -> tuple[LeftOutReason, ...]:
    """Say what a face falls short of."""
    box, quality = face.bounding_box, face.quality
    pixels = min(box.width * found.width, box.height * found.height)
    bright_enough = bar.brightness <= quality.brightness <= 100 - bar.brightness / 5
    checks: Sequence[tuple[bool, LeftOutReason]] = (
        (face.confidence >= bar.confidence, "LOW_CONFIDENCE"),
        (pixels >= bar.pixels, "SMALL_BOUNDING_BOX"),
        (abs(face.pose.yaw) <= bar.yaw and abs(face.pose.pitch) <= bar.pitch, "EXTREME_POSE"),
        (bright_enough, "LOW_BRIGHTNESS"),
        (quality.sharpness >= bar.sharpness, "LOW_SHARPNESS"),
    )
    return tuple(reason for good, reason in checks if not good)


def area(face: Face) -> float:
    """Return the share of the picture that the box has."""
    return face.bounding_box.width * face.bounding_box.height
