from __future__ import annotations

import asyncio
import io
from typing import Any

import orjson
import pytest

from fotofila.worker.frames import LENGTH_BYTES, MAX_FRAME_BYTES, pack, receive_frame, write_frame
from fotofila.worker.pool import with_contents


def reader(sent: bytes) -> asyncio.StreamReader:
    """Return what reads from a child that sent this and ended."""
    reader = asyncio.StreamReader()
    reader.feed_data(sent)
    reader.feed_eof()
    return reader


def sent(value: dict[str, Any], *attached: bytes) -> bytes:
    pipe = io.BytesIO()
    write_frame(pipe, value, attached)
    return pipe.getvalue()


async def test_what_is_attached_arrives_as_it_was() -> None:
    both = [b"\0\xff" * 50_000, b""]
    stream = reader(sent({"progress": 0.5}) + sent({"outcome": "done"}, *both) + sent({"outcome": "cancel"}))
    assert [await receive_frame(stream) for _ in range(3)] == [
        {"progress": 0.5},
        {"outcome": "done", "attached": both},
        {"outcome": "cancel"},
    ]


async def test_child_that_ends_within_what_it_attached_has_given_no_answer() -> None:
    with pytest.raises(asyncio.IncompleteReadError):
        await receive_frame(reader(sent({"outcome": "done"}, b"content")[:-1]))


@pytest.mark.parametrize("sizes", [3, ["3"], [-1], [None], [MAX_FRAME_BYTES, 1]])
async def test_lengths_that_are_none_are_refused(sizes: object) -> None:
    with pytest.raises(ValueError, match="a child"):
        await receive_frame(reader(pack({"attached": sizes})))


@pytest.mark.parametrize("number", [1, -1, "0", None])
def test_content_that_was_not_attached_is_refused(number: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        with_contents({"renditions": [{"content": number}], "attached": [b"only"]})


def test_contents_take_the_place_of_their_numbers() -> None:
    answer = {"renditions": [{"path": "a"}, {"content": 1}, {"content": 0}], "attached": [b"x", b"y"]}
    assert with_contents(answer)["renditions"] == [{"path": "a"}, {"content": b"y"}, {"content": b"x"}]


def test_frame_without_anything_attached_is_its_json() -> None:
    assert orjson.loads(sent({"a": 1})[LENGTH_BYTES:]) == {"a": 1}
