"""Cursor pages: a cursor is signed by nobody and trusted with nothing; it only says where to go on."""

from __future__ import annotations

import json
from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel

from fotofila.core.crypto import decode, encode
from fotofila.core.errors import InvalidInputError

T = TypeVar("T")

Limit = Annotated[int, Query(ge=1, le=200, description="Most items in one page.")]
Cursor = Annotated[str | None, Query(max_length=512, description="`next_cursor` of the page before.")]


class Page(BaseModel, Generic[T]):
    """One page of a list."""

    items: list[T]
    next_cursor: str | None = None


class BadCursorError(InvalidInputError):
    """A cursor that we did not make."""

    code = "bad_cursor"


def make_cursor(*values: str | int) -> str:
    """Pack the sort values of the last item."""
    return encode(json.dumps(values, separators=(",", ":")).encode())


def read_cursor(cursor: str, *types: type) -> tuple[str | int, ...]:
    """Unpack a cursor.

    Raises:
        BadCursorError: it is not one of ours for this list.
    """
    try:
        values = json.loads(decode(cursor))
    except ValueError:
        values = None
    if (
        not isinstance(values, list)
        or [type(value) for value in values] != list(types)
        or not all(_fits(value) for value in values)
    ):
        raise BadCursorError("The cursor is not one of this list: leave it out to start again.")
    return tuple(values)


def _fits(value: str | int) -> bool:
    """Say whether a database takes the value: PostgreSQL no NUL and no lone surrogate, neither more than 64 bits."""
    if isinstance(value, str):
        return "\0" not in value and value.isprintable()
    return -(2**63) <= value < 2**63
