"""Files that people send by mistake, told apart so that the refusal can say what they are."""

from __future__ import annotations

from fotofila.core.images.errors import ImageError, RawNotSupportedError, UnsupportedMediaTypeError
from fotofila.core.images.formats import ACCEPTED_SENTENCE

_RAW_STARTS = {
    b"FUJIFILMCCD-RAW": "Fujifilm RAF",
    b"FOVb": "Sigma X3F",
    b"\x00MRM": "Minolta MRW",
    b"II\x1a\x00\x00\x00HEAPCCDR": "Canon CRW",
}
_STARTS = {
    b"GIF8": "a GIF",
    b"BM": "a BMP",
    b"%!PS": "a PostScript file",
    b"\xc5\xd0\xd3\xc6": "a PostScript file",
    b"8BPS": "a Photoshop document",
    b"8BPB": "a Photoshop document",
    b"\xff\x0a": "a JPEG XL",
    b"\x00\x00\x00\x0cJXL ": "a JPEG XL",
    b"\x00\x00\x00\x0cjP  ": "a JPEG 2000",
    b"\xff\x4f\xff\x51": "a JPEG 2000",
    b"\x00\x00\x01\x00": "an icon",
    b"v/1\x01": "an OpenEXR",
    b"#?RADIANCE": "a Radiance HDR",
    b"PK\x03\x04": "a ZIP archive or an office document",
    b"Rar!": "an archive",
    b"7z\xbc\xaf": "an archive",
    b"\x1f\x8b": "a compressed archive",
    b"\x1aE\xdf\xa3": "a video",
    b"MZ": "a program",
    b"\x7fELF": "a program",
    b"ID3": "a sound",
    b"OggS": "a sound",
}
_HTML = (b"<!doctype html", b"<html", b"<head", b"<body", b"<script", b"<!--")


def refusal(head: bytes) -> ImageError:
    """Return the error for bytes that are no picture we take; it says what they look like."""
    for start, name in _RAW_STARTS.items():
        if head.startswith(start):
            return RawNotSupportedError(
                f"This is a camera's RAW file ({name}). RAW files are not developed yet: send a JPEG or TIFF."
            )
    what = _what(head)
    if what is None:
        return UnsupportedMediaTypeError(f"These bytes are no picture that is known here: {ACCEPTED_SENTENCE}.")
    return UnsupportedMediaTypeError(f"This is {what}: {ACCEPTED_SENTENCE}. Export it as one of them.")


def _what(head: bytes) -> str | None:
    for start, name in _STARTS.items():
        if head.startswith(start):
            return name
    if b"%PDF-" in head[:1024]:
        return "a PDF"
    return "a sound or a video" if head.startswith(b"RIFF") else _what_text(head[:1024])


def _what_text(head: bytes) -> str | None:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith(b"<svg") or (text.startswith((b"<?xml", b"<!")) and b"<svg" in text):
        return "an SVG drawing"
    if text.startswith(_HTML):
        return "an HTML page"
    if text.startswith(b"<?xml"):
        return "an XML document"
    return "a text" if text and all(byte in _TEXT_BYTES for byte in text) else None


_TEXT_BYTES = frozenset(range(0x20, 0x7F)) | {9, 10, 13}
