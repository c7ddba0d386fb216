"""Tokens of pages: where a list goes on, fit for one operation on one collection only."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import TypeVar

from fotofila.rekognition.calls import Call
from fotofila.rekognition.errors import AwsError

T = TypeVar("T")
LONGEST = 255
MARK_CHARACTERS = 9
_AFTER = re.compile(r"[a-zA-Z0-9_.\-:]{1,255}", re.ASCII)
"""What lists are sorted by: names of collections and users, ids of faces."""


def read_token(call: Call, operation: str) -> str | None:
    """Return what the last page ended with, or None for the first.

    Raises:
        AwsError: InvalidPaginationTokenException.
    """
    token = call.given.get("NextToken")
    if not token:
        return None
    marked = token.startswith(mark(call, operation))
    after: str = token[MARK_CHARACTERS:] if marked else token
    if not _AFTER.fullmatch(after) or not (marked or len(after) > LONGEST - MARK_CHARACTERS):
        message = "Invalid NextToken: take it from the page before, as it is."
        raise AwsError("InvalidPaginationTokenException", message)
    return after


def make_token(call: Call, operation: str, after: str) -> str:
    """Return the token of the page that begins after something; a name too long for a mark goes without."""
    return after if len(after) > LONGEST - MARK_CHARACTERS else mark(call, operation) + after


def mark(call: Call, operation: str) -> str:
    """Return what ties a token to its list."""
    subject = f"{operation}\n{call.owner}\n{call.given.get('CollectionId', '')}"
    return hashlib.sha256(subject.encode()).hexdigest()[: MARK_CHARACTERS - 1] + "."


def page_of(rows: Sequence[T], limit: int) -> tuple[Sequence[T], bool]:
    """Return a page of rows, of which one more than the limit was asked for, and whether there are more."""
    return rows[:limit], len(rows) > limit
