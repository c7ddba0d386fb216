"""What the headers of tus 1.0.0 say, read and written; nothing here knows a database or a storage."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING

from fotofila.core.errors import BadRequestError
from fotofila.library.uploads.errors import PieceMismatchError, TusContentTypeError, TusVersionError

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,expiration,termination,checksum"
ALGORITHMS = ("sha1", "sha256")
CONTENT_TYPE = "application/offset+octet-stream"
METADATA_BYTES = 4096
_NUMBER = re.compile(r"\d{1,15}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def check_version(given: str | None) -> None:
    """Refuse another version than ours.

    Raises:
        TusVersionError
    """
    if given != VERSION:
        headers = {"Tus-Version": VERSION}
        raise TusVersionError("The header Tus-Resumable must be 1.0.0: this server speaks no other.", headers=headers)


def check_content_type(given: str | None) -> None:
    """Refuse a body that is not declared as one of tus.

    Raises:
        TusContentTypeError
    """
    if (given or "").partition(";")[0].strip().lower() != CONTENT_TYPE:
        raise TusContentTypeError(f"The body of a resumable upload has the Content-Type {CONTENT_TYPE}.")


def read_number(name: str, given: str | None) -> int:
    """Read a count of bytes.

    Raises:
        BadRequestError: it is missing, or no whole number of bytes.
    """
    if given is None or not _NUMBER.fullmatch(given):
        raise BadRequestError(f"The header {name} must be a whole number of bytes, 0 or more.")
    return int(given)


def read_length(length: str | None, deferred: str | None) -> int:
    """Read `Upload-Length`.

    Raises:
        BadRequestError: it is missing; that it be told later is an extension that is not offered.
    """
    if length is None and deferred is not None:
        raise BadRequestError("Upload-Defer-Length is not offered: say the size with Upload-Length.")
    return read_number("Upload-Length", length)


def read_metadata(given: str | None) -> dict[str, str]:
    """Read `Upload-Metadata`: pairs of a key and a value in base64.

    Raises:
        BadRequestError: it is longer than 4 KB, has a key twice, or a value that is no base64 of UTF-8.
    """
    if not given:
        return {}
    if len(given) > METADATA_BYTES:
        raise BadRequestError("The header Upload-Metadata is longer than 4 KB: say less.")
    found: dict[str, str] = {}
    for pair in given.split(","):
        key, _, value = pair.strip().partition(" ")
        if not key or not key.isascii() or key in found:
            raise BadRequestError("The header Upload-Metadata needs pairs of a key, each but once, and a base64 value.")
        try:
            found[key] = base64.b64decode(value.strip(), validate=True).decode()
        except (binascii.Error, ValueError) as error:
            raise BadRequestError(f"Upload-Metadata: the value of {key} is no base64 of UTF-8 text.") from error
    return found


def read_announced_checksum(metadata: dict[str, str]) -> str | None:
    """Return the SHA-256 that the whole file was announced with, or None.

    Raises:
        BadRequestError: it is none.
    """
    given = metadata.get("checksum_sha256")
    if given is not None and not _SHA256.fullmatch(given):
        raise BadRequestError("Upload-Metadata: checksum_sha256 must be 64 hex digits, lower case.")
    return given


@dataclass(frozen=True, slots=True, kw_only=True)
class PieceChecksum:
    """What a request says of its own body."""

    algorithm: str
    wanted: bytes
    digest: Hash

    def check(self) -> None:
        """Compare.

        Raises:
            PieceMismatchError: the body was changed on its way.
        """
        if not hmac.compare_digest(self.digest.digest(), self.wanted):
            raise PieceMismatchError(f"The body does not have the {self.algorithm} of Upload-Checksum: send it again.")


def read_checksum(given: str | None) -> PieceChecksum | None:
    """Read `Upload-Checksum`: an algorithm and a digest in base64.

    Raises:
        BadRequestError: the algorithm is not one of ours, or the digest is none.
    """
    if given is None:
        return None
    algorithm, _, value = given.strip().partition(" ")
    if algorithm not in ALGORITHMS:
        raise BadRequestError(f"Upload-Checksum: the algorithm must be one of {', '.join(ALGORITHMS)}.")
    digest = hashlib.new(algorithm, usedforsecurity=False)
    try:
        wanted = base64.b64decode(value.strip(), validate=True)
    except binascii.Error as error:
        raise BadRequestError("Upload-Checksum: the digest is no base64.") from error
    if len(wanted) != digest.digest_size:
        raise BadRequestError(f"Upload-Checksum: a digest of {algorithm} has {digest.digest_size} bytes.")
    return PieceChecksum(algorithm=algorithm, wanted=wanted, digest=digest)


def http_date(at: datetime) -> str:
    """Write a time as HTTP does (RFC 9110, section 5.6.7)."""
    return format_datetime(at, usegmt=True)
