"""What a check finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "note", "wrong"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A sentence about one thing; where it is wrong, or worth a note, it names the mend."""

    check: str
    verdict: Verdict
    sentence: str


def ok(check: str, sentence: str) -> Finding:
    """All is well."""
    return Finding(check=check, verdict="ok", sentence=sentence)


def note(check: str, sentence: str) -> Finding:
    """It works, and yet."""
    return Finding(check=check, verdict="note", sentence=sentence)


def wrong(check: str, sentence: str) -> Finding:
    """It does not work."""
    return Finding(check=check, verdict="wrong", sentence=sentence)
