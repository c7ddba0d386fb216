"""A bucket behind a network that breaks: what is answered is true, and what is read is whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fotofila.bootstrap import make_storage
from fotofila.core.errors import UnavailableError
from fotofila.core.ids import new_id
from fotofila.core.storage import ObjectNotFoundError, Storage
from fotofila.core.storage.object_writer import PART_BYTES
from fotofila.testing.servers import S3Server
from fotofila.testing.storage_conformance import put_if_absent, read
from tests.conformance.adapters import S3Place, open_s3_storage
from tests.e2e.proxy import Mode, Proxy, proxying

CONTENT = bytes(range(256)) * 64
LARGE = bytes(range(256)) * (2 * PART_BYTES // 256) + b"end"
ROUNDS = 40
SILENCE_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The same storage: behind the proxy, with little patience and with that of the default, and without a proxy."""

    proxy: Proxy
    storage: Storage
    patient: Storage
    plain: Storage


@pytest.fixture
async def line(s3_server: S3Server, s3_url: str) -> AsyncIterator[Line]:
    place = S3Place(url=f"{s3_url}/in", endpoint=s3_server.endpoint)
    async with proxying(s3_server.port, seed=7) as proxy:
        settings = partial(place.settings, storage_endpoint=f"http://{proxy.address}")
        yield Line(
            proxy=proxy,
            storage=make_storage(settings(storage_timeout_seconds=SILENCE_SECONDS)),
            patient=make_storage(settings()),
            plain=open_s3_storage(place),
        )


async def answers(call: Callable[[], Any]) -> None:
    """Wait until something is done: on a busy machine it may take longer than a storage with little patience waits."""
    async with asyncio.timeout(60):
        while not await outcome(call()):
            pass


async def outcome(call: Any) -> bool:
    """Say whether it was done; it may be told as unavailable, as nothing else."""
    try:
        await call
    except UnavailableError:
        return False
    return True


async def test_what_is_cut_off_is_done_or_told_as_unavailable(line: Line) -> None:
    """A new object that was written, and whose answer was lost, is never told as somebody else's."""
    line.proxy.cut_bytes = 2 * len(CONTENT)
    line.proxy.turn(Mode.CUT)
    done = [await outcome(put_if_absent(line.storage, f"a/{number}", CONTENT)) for number in range(ROUNDS)]
    assert line.proxy.broken[Mode.CUT] > 0
    for number, was_done in enumerate(done):
        try:
            assert await line.plain.get(f"a/{number}") == CONTENT
        except ObjectNotFoundError:
            assert not was_done, number


async def test_what_is_read_over_a_line_that_is_cut_is_whole_or_an_error(line: Line) -> None:
    await line.plain.put("a/b", CONTENT)
    line.proxy.cut_bytes = 2 * len(CONTENT)
    line.proxy.turn(Mode.CUT)
    for _ in range(ROUNDS):
        try:
            assert await read(line.storage, "a/b") == CONTENT
        except UnavailableError:
            continue
    assert line.proxy.broken[Mode.CUT] > 0


async def test_file_that_is_fetched_over_a_line_that_is_cut_is_whole_or_an_error(line: Line, tmp_path: Path) -> None:
    await line.plain.put("a/b", CONTENT)
    line.proxy.cut_bytes = 2 * len(CONTENT)
    line.proxy.turn(Mode.CUT)
    for _ in range(ROUNDS):
        if await outcome(line.storage.get_file("a/b", tmp_path / "file")):
            assert (tmp_path / "file").read_bytes() == CONTENT


@pytest.mark.parametrize("mode", [Mode.REFUSE, Mode.SILENT])
async def test_line_that_is_dead_is_told_and_used_again_when_it_is_back(line: Line, mode: Mode) -> None:
    """Within the time of the setting, and without a new client."""
    await line.plain.put("a/b", CONTENT)
    await answers(lambda: line.storage.exists("a/b"))
    line.proxy.turn(mode)
    calls: list[Callable[[], Any]] = [
        lambda: line.storage.put("a/c", CONTENT),
        lambda: line.storage.get("a/b"),
        lambda: line.storage.exists("a/b"),
        lambda: line.storage.delete(["a/b"]),
        line.storage.check,
    ]
    async with asyncio.timeout(60):
        assert not any(await asyncio.gather(*(outcome(call()) for call in calls)))
    await line.proxy.back()
    await answers(lambda: line.storage.exists("a/b"))
    assert await line.plain.get("a/b") == CONTENT


async def test_large_upload_over_a_slow_line_is_whole(line: Line) -> None:
    line.proxy.delay_seconds = 0.0005
    line.proxy.turn(Mode.SLOW)
    await put_if_absent(line.patient, "a/large", LARGE)
    assert await read(line.plain, "a/large") == LARGE


async def test_server_that_is_frozen_is_told_and_used_again(tmp_path: Path) -> None:
    with S3Server(tmp_path) as server:
        place = S3Place(url=f"{server.url}/in", endpoint=server.endpoint)
        storage = make_storage(place.settings(storage_timeout_seconds=SILENCE_SECONDS))
        plain = open_s3_storage(place)
        await plain.put("a/b", CONTENT)
        await answers(lambda: storage.get("a/b"))
        server.pause()
        assert not await outcome(storage.get("a/b"))
        assert not await outcome(put_if_absent(storage, "a/c", CONTENT))
        server.resume()
        await answers(lambda: storage.get("a/b"))
        await answers(lambda: put_if_absent(storage, f"a/{new_id()}", CONTENT))
        assert await plain.get("a/b") == CONTENT
