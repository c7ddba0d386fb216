"""Frames between worker and child: four bytes of length (big-endian), then JSON, then what is attached.

The JSON of a frame with something attached lists the lengths of it in `attached`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, BinaryIO

import orjson

MAX_FRAME_BYTES = 64 * 1024 * 1024
MOST_ATTACHED = 1000
LENGTH_BYTES = 4


def pack(value: dict[str, Any]) -> bytes:
    """Write a frame."""
    body = orjson.dumps(value)
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def write_frame(pipe: BinaryIO, value: dict[str, Any], attached: Sequence[bytes] = ()) -> None:
    """Write a frame, and what is attached to it as it is: as text in JSON it would be written and read three times."""
    pipe.write(pack({**value, "attached": [len(content) for content in attached]} if attached else value))
    pipe.writelines(attached)
    pipe.flush()


def read_frame(pipe: BinaryIO) -> dict[str, Any] | None:
    """Read a frame, or None at the end."""
    head = pipe.read(LENGTH_BYTES)
    if len(head) < LENGTH_BYTES:
        return None
    value: dict[str, Any] = orjson.loads(pipe.read(int.from_bytes(head, "big")))
    return value


async def receive_frame(reader: asyncio.StreamReader) -> dict[str, Any]:
    """Read a frame from a child; in `attached` is what came with it.

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
    if "attached" in value:
        value["attached"] = [await reader.readexactly(size) for size in checked(value["attached"])]
    return value


def checked(sizes: Any) -> list[int]:
    """Return the lengths that a child named; raises ValueError where they are none, or too much."""
    if not isinstance(sizes, list) or not all(isinstance(size, int) and size >= 0 for size in sizes):
        raise ValueError("a child named lengths that are none")
    if len(sizes) > MOST_ATTACHED:
        raise ValueError(f"a child attached {len(sizes)} contents")
    if sum(sizes) > MAX_FRAME_BYTES:
        raise ValueError(f"a child attached {sum(sizes)} bytes")
    return sizes
