"""Where jobs keep things in storage."""

from __future__ import annotations

CANCELLED = "control/"
"""Prefix of all cancel markers."""


def cancel_marker(job_id: str, round_number: int) -> str:
    """Return the key whose presence tells workers that a round is not wanted any more."""
    return f"{CANCELLED}{job_id}/{round_number}"


def execution_prefix(owner: str, photo_id: str, execution_id: str) -> str:
    """Return the prefix of everything that one execution writes."""
    return f"renditions/{owner}/{photo_id}/{execution_id}/"


def claim_key(job_id: str, execution_id: str) -> str:
    """Return the key of a result that is too large for a message."""
    return f"claims/{job_id}/{execution_id}"
