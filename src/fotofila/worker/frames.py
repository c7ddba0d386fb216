"""Frames between worker and child: four bytes of length (big-endian), then JSON."""

from __future__ import annotations

import asyncio
from typing import Any, BinaryIO

import orjson

MAX_FRAME_BYTES = 64 * 1024 * 1024
LENGTH_BYTES = 4


def pack(value: dict[str, Any]) -> bytes:
    """Write a frame."""
    body = orjson.dumps(value)
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def read_frame(pipe: BinaryIO) -> dict[str, Any] | None:
    """Read a frame, or None at the end."""
    head = pipe.read(LENGTH_BYTES)
    if len(head) < LENGTH_BYTES:
        return None
    value: dict[str, Any] = orjson.loads(pipe.read(int.from_bytes(head, "big")))
    return value


async def receive_frame(reader: asyncio.StreamReader) -> dict[str, Any]:
    """Read a frame from a child.

    Raises:
        asyncio.IncompleteReadError: the child ended.
        ValueError: the child sent what is no frame.
    """
    size = int.from_bytes(await reader.readexactly(LENGTH_BYTES), "big")
    if size > MAX_FRAME_BYTES:
        raise ValueError(f"a child sent a frame of {size} bytes")
    value = orjson.loads(await reader.readexactly(size))
    if not isinstance(value, dict):
        raise ValueError("a child sent a frame that is no object")  # noqa: TRY004 - what it sent is a value, not a type
    return value
