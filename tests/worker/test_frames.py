from __future__ import annotations

import asyncio
import io
from typing import Any

import orjson
import pytest

from fotofila.worker.answers import with_contents
from fotofila.worker.frames import LENGTH_BYTES, MAX_FRAME_BYTES, MOST_ATTACHED, pack, receive_frame, write_frame


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


@pytest.mark.parametrize("sizes", [3, ["3"], [-1], [None], [MAX_FRAME_BYTES, 1], [0] * (MOST_ATTACHED + 1)])
async def test_lengths_that_are_none_are_refused(sizes: object) -> None:
    with pytest.raises(ValueError, match="a child"):
        await receive_frame(reader(pack({"attached": sizes})))


def done(*files: dict[str, Any]) -> dict[str, Any]:
    """Return an answer as a child gives it that was not taken over."""
    rest = {"name": "a.webp", "media_type": "image/webp", "width": 2, "height": None}
    files = tuple({**rest, **file} for file in files)
    return {"outcome": "done", "result": {}, "renditions": list(files), "timings": {"decode": 1}, "cpu_seconds": 0.1}


@pytest.mark.parametrize("file", [{"content": 1}, {"content": -1}, {"content": "0"}, {"content": None}, {}])
def test_rendition_that_is_nowhere_is_refused(file: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"content|named"):
        with_contents({**done(file), "attached": [b"only"]})


def test_contents_take_the_place_of_their_numbers() -> None:
    answer = with_contents({**done({"path": "a"}, {"content": 1}, {"content": 0}), "attached": [b"x", b"y"]})
    assert [file.get("content") for file in answer["renditions"]] == [None, b"y", b"x"]


@pytest.mark.parametrize(
    "answer",
    [
        {"outcome": "done"},
        {"outcome": "wealth"},
        {"outcome": None},
        {**done(), "result": []},
        {**done(), "timings": {"decode": "1"}},
        {**done(), "renditions": [{"name": "a"}]},
        {"outcome": "retry", "error": {"code": "odd"}},
        {"outcome": "snooze", "seconds": -1, "reason": ""},
        {"outcome": "snooze", "seconds": "soon", "reason": ""},
        {"outcome": "cancel"},
    ],
)
def test_answer_that_is_none_is_refused(answer: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"outcome|validation"):
        with_contents(answer)


def test_frame_without_anything_attached_is_its_json() -> None:
    assert orjson.loads(sent({"a": 1})[LENGTH_BYTES:]) == {"a": 1}
