"""Which pictures are taken, under which names."""

from __future__ import annotations

JPEG = "image/jpeg"
PNG = "image/png"
WEBP = "image/webp"
HEIC = "image/heic"
AVIF = "image/avif"
TIFF = "image/tiff"

EXTENSIONS = {JPEG: "jpg", PNG: "png", WEBP: "webp", HEIC: "heic", AVIF: "avif", TIFF: "tif"}
NAMES = {JPEG: "JPEG", PNG: "PNG", WEBP: "WebP", HEIC: "HEIC", AVIF: "AVIF", TIFF: "TIFF"}
ACCEPTED_SENTENCE = "JPEG, PNG, WebP, HEIC, AVIF and TIFF are taken"

_ALIASES = {
    JPEG: {"image/jpg", "image/pjpeg"},
    PNG: {"image/x-png", "image/apng", "image/vnd.mozilla.apng"},
    WEBP: set[str](),
    HEIC: {"image/heif", "image/heic-sequence", "image/heif-sequence"},
    AVIF: {"image/heif"},  # AVIF is a HEIF file too (ISO/IEC 23008-12)
    TIFF: {"image/tif", "image/x-tiff", "image/x-tif"},
}

# A client that does not know says one of these; curl --data-binary says the last.
_SAYS_NOTHING = {
    "",
    "*/*",
    "image/*",
    "application/octet-stream",
    "binary/octet-stream",
    "application/x-www-form-urlencoded",
}


def agrees(declared_type: str | None, media_type: str) -> bool:
    """Return whether a declared content type (parameters and case are ignored) can stand for `media_type`."""
    declared = (declared_type or "").split(";", 1)[0].strip().lower()
    return declared in _SAYS_NOTHING or declared == media_type or declared in _ALIASES[media_type]
