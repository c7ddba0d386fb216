"""Where a label goes: inside the frame, off the other boxes and labels where there is room."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

_MAX_CHARACTERS = 48
_ON_LABEL = 4
"""How much worse it is to cover a label, which makes both unreadable, than a part of a box."""

_SPELLED = {
    "\N{EN DASH}": "-",
    "\N{EM DASH}": "-",
    "\N{FIGURE DASH}": "-",
    "\N{MINUS SIGN}": "-",
    "\N{LEFT SINGLE QUOTATION MARK}": "'",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "\N{LEFT DOUBLE QUOTATION MARK}": '"',
    "\N{RIGHT DOUBLE QUOTATION MARK}": '"',
    "\N{FEMALE SIGN}": "F",
    "\N{MALE SIGN}": "M",
    "\N{LATIN SMALL LETTER SHARP S}": "ss",
}


@dataclass(frozen=True, slots=True)
class Rectangle:
    """Pixels; right and bottom are exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    def overlap(self, other: Rectangle) -> int:
        """Return the area that both cover."""
        if self.left >= other.right or other.left >= self.right or self.top >= other.bottom or other.top >= self.bottom:
            return 0
        width = min(self.right, other.right) - max(self.left, other.left)
        return width * (min(self.bottom, other.bottom) - max(self.top, other.top))


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A label to place: the box that it belongs to (its index), and its size in pixels."""

    box: int
    width: int
    height: int


def printable(label: str) -> str:
    """Return the label in the letters that the built-in font has: accents are dropped, what is left unknown is '?'."""
    spelled = "".join(_SPELLED.get(char, char) for char in label[: 4 * _MAX_CHARACTERS])
    plain = (char for char in unicodedata.normalize("NFKD", spelled) if not unicodedata.combining(char))
    text = "".join(char if " " <= char <= "~" or char in "°±·" else " " if char.isspace() else "?" for char in plain)
    return " ".join(text.split())[:_MAX_CHARACTERS].rstrip()


def place_labels(
    boxes: Sequence[Rectangle], labels: Iterable[Label], *, frame: tuple[int, int]
) -> Iterator[tuple[Label, Rectangle, int]]:
    """Yield each label with its place and what it covers there, in the order given: the earlier, the freer the choice.

    0 is a place off all boxes and off the labels before it.
    """
    placed: list[Rectangle] = []
    for label in labels:
        place, covered = _best(boxes, label, placed, frame)
        placed.append(place)
        yield label, place, covered


def _best(
    boxes: Sequence[Rectangle], label: Label, placed: Sequence[Rectangle], frame: tuple[int, int]
) -> tuple[Rectangle, int]:
    own = boxes[label.box]
    # What no candidate can touch is left out once, so that a crowd costs one pass a label and not one a candidate.
    reach = Rectangle(
        own.left - 2 * label.width,
        own.top - 2 * label.height,
        own.right + 2 * label.width,
        own.bottom + 2 * label.height,
    )
    near_boxes, near_labels = _touching(reach, boxes), _touching(reach, placed)
    best, least = own, -1
    for candidate in _candidates(own, label, frame):
        cost = sum(candidate.overlap(box) for box in near_boxes)
        cost += _ON_LABEL * sum(candidate.overlap(box) for box in near_labels)
        if least < 0 or cost < least:
            best, least = candidate, cost
        if least == 0:
            break
    return best, least


def _touching(reach: Rectangle, boxes: Sequence[Rectangle]) -> list[Rectangle]:
    left, top, right, bottom = reach.left, reach.top, reach.right, reach.bottom
    return [box for box in boxes if box.left < right and left < box.right and box.top < bottom and top < box.bottom]


def _candidates(box: Rectangle, label: Label, frame: tuple[int, int]) -> Iterator[Rectangle]:
    """Yield places, the most legible first: above, below, beside, and at last within the box."""
    aligned_right = box.right - label.width
    if box.top >= label.height:
        yield _within(box.left, box.top - label.height, label, frame)
        yield _within(aligned_right, box.top - label.height, label, frame)
    if box.bottom + label.height <= frame[1]:
        yield _within(box.left, box.bottom, label, frame)
        yield _within(aligned_right, box.bottom, label, frame)
    yield _within(box.right, box.top, label, frame)
    yield _within(box.left - label.width, box.top, label, frame)
    yield _within(box.left, box.top, label, frame)
    yield _within(box.left, box.bottom - label.height, label, frame)


def _within(left: int, top: int, label: Label, frame: tuple[int, int]) -> Rectangle:
    """Return the label's rectangle, moved into the frame."""
    left = max(0, min(left, frame[0] - label.width))
    top = max(0, min(top, frame[1] - label.height))
    return Rectangle(left, top, left + label.width, top + label.height)
