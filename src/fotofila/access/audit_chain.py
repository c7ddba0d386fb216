"""What is hashed, byte for byte; docs/explanation/audit-log.md tells the same to whoever verifies without our code.

1. An entry is a JSON object of `sequence, id, owner, at, actor {kind, id}, action, subject, detail`, written as
   RFC 8785 says: UTF-8, keys sorted, no space between tokens. It holds no fractions, so numbers are plain digits.
2. `digest` is the SHA-256 of these bytes, as 64 lower-case hex digits.
3. `hash` is the SHA-256 of `previous_hash` followed by `digest`, 128 ASCII characters, as 64 hex digits. The
   `previous_hash` of entry 1 is 64 zeros.

The two steps let a workspace's export stand for entries of others by their digests: the chain can be followed, and
nobody sees what they say.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from fotofila.core.db.gaps import without_gaps

START = "0" * 64
"""The `previous_hash` of the first entry."""
MAX_SAFE = 2**53
"""Larger whole numbers are kept as text: not every reader of JSON knows them."""


class Entry(Protocol):
    """The columns that are hashed, of the inbox or of the log."""

    id: Any
    owner: Any
    at: Any
    actor_kind: Any
    actor_id: Any
    action: Any
    subject: Any
    detail: Any


def plain(value: Any) -> Any:
    """Shape a value so that it has one way to be written: fractions and large numbers become text.

    Raises:
        TypeError: it holds something that JSON has no word for.
    """
    match value:
        case Mapping():
            return {without_gaps(str(key)): plain(each) for key, each in value.items()}
        case list() | tuple():
            return [plain(each) for each in value]
        case str():
            return without_gaps(value)
        case float():
            return f"{value:.6f}".rstrip("0").rstrip(".")
        case int() if abs(value) >= MAX_SAFE:
            return str(value)
        case None | bool() | int():
            return value
    message = f"{type(value).__name__} has no place in the audit log"
    raise TypeError(message)


def canonical(value: Any) -> str:
    """Write JSON as RFC 8785 does, of values that went through `plain`."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def moment(at: datetime) -> str:
    """Write a time: UTC, microseconds, `Z`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def body_of(entry: Entry, sequence: int) -> dict[str, Any]:
    """Return what an entry says, as it is hashed and exported.

    Raises:
        ValueError: its detail is not the canonical JSON that was written.
    """
    detail = json.loads(entry.detail)
    if canonical(detail) != entry.detail:
        message = "the detail was written by somebody else"
        raise ValueError(message)
    return {
        "sequence": sequence,
        "id": entry.id,
        "owner": entry.owner,
        "at": moment(entry.at),
        "actor": {"kind": entry.actor_kind, "id": entry.actor_id},
        "action": entry.action,
        "subject": entry.subject,
        "detail": detail,
    }


def digest_of(body: Mapping[str, Any]) -> str:
    """Return the SHA-256 of an entry, in hex."""
    return hashlib.sha256(canonical(body).encode()).hexdigest()


def link(previous_hash: str, digest: str) -> str:
    """Return the hash of an entry from the one before and its own digest."""
    return hashlib.sha256(f"{previous_hash}{digest}".encode("ascii", "replace")).hexdigest()
