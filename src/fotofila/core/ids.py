"""Ids: UUID version 7 (RFC 9562, section 5.7) as 32 hex digits, so that they sort by the time they were made."""

from __future__ import annotations

import os
import re
import threading
import time
from typing import NewType

Id = NewType("Id", str)

_ID = re.compile(r"[0-9a-f]{32}")
_lock = threading.Lock()
_last_ms = 0
_counter = 0


def new_id() -> Id:
    """Return a new id; ids made by one process sort in the order in which they were made."""
    global _last_ms, _counter  # noqa: PLW0603 - monotonic within the process (RFC 9562, section 6.2, method 1)
    with _lock:
        now = time.time_ns() // 1_000_000
        if now > _last_ms:
            _last_ms, _counter = now, int.from_bytes(os.urandom(2), "big") & 0x7FF
        else:
            _counter += 1
            if _counter > 0xFFF:  # noqa: PLR2004 - the twelve bits of rand_a are used up
                _last_ms, _counter = _last_ms + 1, 0
        value = (_last_ms << 80) | (0x7 << 76) | (_counter << 64) | (0b10 << 62)
    return Id(f"{value | (int.from_bytes(os.urandom(8), 'big') >> 2):032x}")


def is_id(text: str) -> bool:
    """Say whether a string has the form of an id: what does not never reaches a path or a query."""
    return _ID.fullmatch(text) is not None
