"""Signatures of requests as AWS makes them: Signature Version 4, in the header `Authorization`.

Nothing here asks a database or a clock: `read_signature` reads and dates what was sent, `verify_signature` compares it
with what the secret gives. There is no list of signatures that were seen: boto3 signs to the second and without the
invocation's id, so two honest calls may bear one signature. What limits a replay is the window of time.

Source: AWS General Reference, "Signing AWS API requests"; refusals bear the names and sentences that AWS gives.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from fotofila.core.errors import UnauthenticatedError

ALGORITHM = "AWS4-HMAC-SHA256"
TERMINATOR = "aws4_request"
WINDOW = timedelta(minutes=5)
MOMENT = "%Y%m%dT%H%M%SZ"
DEMANDED = ("host", "x-amz-date", "x-amz-target")
"""Headers that must be signed: whoever could change one would change whom, when or what is asked."""
CONTENT_HASH = "x-amz-content-sha256"
HEADER_CHARACTERS = 4096
"""Longest Authorization that is read."""

_MOMENT = re.compile(r"\d{8}T\d{6}Z", re.ASCII)
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. "
    "Check your AWS Secret Access Key and signing method."
)

Headers = Sequence[tuple[str, str]]
"""Names in lower case and values, in the order of the request; a name may come twice."""


class SignatureRefusedError(UnauthenticatedError):
    """A request is not signed as AWS demands; `name` is what AWS calls the reason."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What the header Authorization says."""

    access_key_id: str
    date: str
    """`YYYYMMDD`."""
    region: str
    service: str
    at: str
    """`YYYYMMDDTHHMMSSZ`, from the header `x-amz-date`."""
    signed_headers: tuple[str, ...]
    signature: str

    @property
    def scope(self) -> str:
        """The credential scope."""
        return f"{self.date}/{self.region}/{self.service}/{TERMINATOR}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRequest:
    """The parts of a request that a signature stands for."""

    method: str
    path: str
    """As it was sent, percent-encoded."""
    query: str
    headers: Headers
    body_sha256: str
    """64 hex digits."""


def read_signature(headers: Headers, *, service: str, now: datetime) -> Signature:
    """Return what the headers say of the signature, which is not verified yet.

    Raises:
        SignatureRefusedError: there is none, it is malformed, not for this service, or not of these minutes.
    """
    given = joined(headers)
    authorization = given.get("authorization", "")
    if not authorization:
        raise SignatureRefusedError("MissingAuthenticationTokenException", "Request is missing Authentication Token")
    parameters = read_parameters(authorization[:HEADER_CHARACTERS])
    scope = parameters["Credential"].split("/")
    if len(scope) != 5 or not all(scope):  # noqa: PLR2004 - key, date, region, service, terminator
        message = f"Credential must have 5 slash-delimited elements, e.g. keyid/date/region/{service}/term."
        raise SignatureRefusedError("IncompleteSignatureException", message)
    read = Signature(
        access_key_id=scope[0],
        date=scope[1],
        region=scope[2],
        service=scope[3],
        at=given.get("x-amz-date", ""),
        signed_headers=tuple(parameters["SignedHeaders"].lower().split(";")),
        signature=parameters["Signature"],
    )
    check_moment(read, now)
    if read.service != service or scope[4] != TERMINATOR:
        message = f"Credential should be scoped to correct service: '{service}' and end with '{TERMINATOR}'."
        raise SignatureRefusedError("InvalidSignatureException", message)
    if missing := [name for name in DEMANDED if name not in read.signed_headers]:
        message = f"'{missing[0]}' must be a 'SignedHeader' in the AWS Authorization."
        raise SignatureRefusedError("InvalidSignatureException", message)
    return read


def read_parameters(authorization: str) -> Mapping[str, str]:
    """Return `Credential`, `SignedHeaders` and `Signature` of a header.

    Raises:
        SignatureRefusedError: one is missing, or it is another scheme.
    """
    scheme, _, rest = authorization.strip().partition(" ")
    found = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    wanted = ("Credential", "SignedHeaders", "Signature")
    if scheme != ALGORITHM or not all(found.get(name) for name in wanted):
        needs = " ".join(f"Authorization header requires '{name}' parameter." for name in wanted if not found.get(name))
        message = needs or f"Authorization header requires the algorithm {ALGORITHM}."
        raise SignatureRefusedError("IncompleteSignatureException", message)
    return found


def check_moment(read: Signature, now: datetime) -> None:
    """Refuse what was signed more than five minutes from now.

    Raises:
        SignatureRefusedError: the time is missing, malformed, not of the scope's day, or outside the window.
    """
    if not _MOMENT.fullmatch(read.at):
        message = "Authorization header requires existence of an 'X-Amz-Date' header, as 20260102T030405Z."
        raise SignatureRefusedError("IncompleteSignatureException", message)
    try:
        at = datetime.strptime(read.at, MOMENT).replace(tzinfo=UTC)
    except ValueError as error:
        raise SignatureRefusedError("IncompleteSignatureException", "'X-Amz-Date' is no time.") from error
    if read.date != read.at[:8]:
        message = f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: {read.at}"
        raise SignatureRefusedError("InvalidSignatureException", message)
    here = now.strftime(MOMENT)
    if at < now - WINDOW:
        oldest = (now - WINDOW).strftime(MOMENT)
        message = f"Signature expired: {read.at} is now earlier than {oldest} ({here} - 5 min.)"
        raise SignatureRefusedError("InvalidSignatureException", message)
    if at > now + WINDOW:
        newest = (now + WINDOW).strftime(MOMENT)
        message = f"Signature not yet current: {read.at} is still later than {newest} ({here} + 5 min.)"
        raise SignatureRefusedError("InvalidSignatureException", message)


def verify_signature(read: Signature, secret: str, request: SignedRequest, *, hosts: Sequence[str] = ()) -> None:
    """Compare, in constant time, with what the secret gives.

    Args:
        read: from `read_signature`.
        secret: of the access key that it names.
        request: what was signed.
        hosts: what the client may have signed as `host` besides the header: a proxy may have rewritten it.

    Raises:
        SignatureRefusedError: it does not fit, or the body is not what its hash says.
    """
    given = joined(request.headers)
    declared = given.get(CONTENT_HASH)
    if declared is not None and not hmac.compare_digest(declared.encode(), request.body_sha256.encode()):
        message = f"The provided '{CONTENT_HASH}' header does not match what was computed."
        raise SignatureRefusedError("InvalidSignatureException", message)
    if absent := [name for name in read.signed_headers if name not in given]:
        message = f"{_MISMATCH} The signed header '{absent[0]}' did not arrive."
        raise SignatureRefusedError("InvalidSignatureException", message)
    key = signing_key(secret, read)
    fits = False
    for host in dict.fromkeys((given["host"], *hosts)):
        wanted = hmac.new(key, text_to_sign(read, request, given | {"host": host}), hashlib.sha256).hexdigest()
        fits |= hmac.compare_digest(wanted.encode(), read.signature.encode())
    if not fits:
        seen = f"We were asked as {given['host']!r} at {request.path!r}: proxies must pass host and path on unchanged."
        raise SignatureRefusedError("InvalidSignatureException", f"{_MISMATCH} {seen}")


def signing_key(secret: str, read: Signature) -> bytes:
    """Return the key of a day, region and service."""
    key = b"AWS4" + secret.encode()
    for part in (read.date, read.region, read.service, TERMINATOR):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def text_to_sign(read: Signature, request: SignedRequest, headers: Mapping[str, str]) -> bytes:
    """Return the string that the signature is made of."""
    canonical = "\n".join(
        (
            request.method,
            canonical_path(request.path),
            canonical_query(request.query),
            *(f"{name}:{headers[name]}" for name in sorted(read.signed_headers)),
            "",
            ";".join(sorted(read.signed_headers)),
            request.body_sha256,
        )
    )
    # Header values are Latin-1 by ASGI, so the bytes that the client signed come out as they came in.
    digest = hashlib.sha256(canonical.encode("latin-1", "replace")).hexdigest()
    return f"{ALGORITHM}\n{read.at}\n{read.scope}\n{digest}".encode("latin-1", "replace")


def canonical_path(path: str) -> str:
    """Return a path without dots and doubled slashes, encoded once more, as every service but S3 has it."""
    kept: list[str] = []
    for part in path.split("/"):
        if part == "..":
            kept = kept[:-1]
        elif part not in {"", "."}:
            kept.append(part)
    end = "/" if kept and path.endswith("/") else ""
    return quote(f"/{'/'.join(kept)}{end}", safe="/~")


def canonical_query(query: str) -> str:
    """Return a query with its parameters in order; clients encode them before they sign."""
    pairs = sorted(part.partition("=")[::2] for part in query.split("&") if part)
    return "&".join(f"{name}={value}" for name, value in pairs)


def joined(headers: Headers) -> dict[str, str]:
    """Return headers by name: values trimmed, spaces folded, those of one name joined by commas."""
    found: dict[str, str] = {}
    for name, value in headers:
        folded = " ".join(value.split())
        found[name] = f"{found[name]},{folded}" if name in found else folded
    return found
