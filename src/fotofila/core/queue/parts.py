"""Batches as servers take them: in parts, none of them too large."""

from __future__ import annotations

from collections.abc import Sequence

from fotofila.core.queue.base import MAX_PAYLOAD_BYTES, Outgoing


def demand_payloads(messages: Sequence[Outgoing]) -> None:
    """Check payloads before anything is sent.

    Raises:
        ValueError: one is too large.
    """
    largest = max((len(message.payload) for message in messages), default=0)
    if largest > MAX_PAYLOAD_BYTES:
        raise ValueError(f"A message of {largest} bytes was sent; {MAX_PAYLOAD_BYTES} is the most.")


def in_parts(sizes: Sequence[int], *, most: int, most_bytes: int) -> list[slice]:
    """Cut a sequence of things of these sizes into parts of so many things and bytes at most, none of them empty."""
    parts, start, size = [], 0, 0
    for index, each in enumerate(sizes):
        if index > start and (index - start >= most or size + each > most_bytes):
            parts.append(slice(start, index))
            start, size = index, 0
        size += each
    return [*parts, slice(start, len(sizes))] if sizes else []
