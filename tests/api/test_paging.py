from __future__ import annotations

import pytest

from fotofila.api.paging import BadCursorError, make_cursor, read_cursor
from fotofila.core.crypto import encode


def test_a_cursor_gives_back_what_was_put_in() -> None:
    assert read_cursor(make_cursor("2026-01-01T00:00:00Z", 7), str, int) == ("2026-01-01T00:00:00Z", 7)


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "!",
        "é",
        encode(b"[1"),
        encode(b"{}"),
        encode(b"[true]"),
        encode(b"[1,2]"),
        encode(b"\xff"),
        encode(b"[" * 380),
        encode(b"[99999999999999999999]"),
    ],
)
def test_a_cursor_that_is_none_is_refused(cursor: str) -> None:
    with pytest.raises(BadCursorError):
        read_cursor(cursor, int)


@pytest.mark.parametrize("text", [b'["a\\u0000"]', b'["\\ud800"]'])
def test_a_cursor_never_carries_what_a_database_chokes_on(text: bytes) -> None:
    with pytest.raises(BadCursorError):
        read_cursor(encode(text), str)
