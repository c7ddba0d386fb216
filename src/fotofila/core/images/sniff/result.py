"""What the door learns of a file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a format's header says. Width and height are as stored, before orientation; None: not within reach."""

    media_type: str
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sniffed:
    """An accepted file: its true type, the extension for it, and its size in pixels where the head tells it.

    Width and height are as stored, before orientation. They are None where the header lies beyond the head (a large
    EXIF or ICC block, a TIFF directory at the end): the child looks again with the whole file.
    """

    media_type: str
    extension: str
    width: int | None
    height: int | None
