"""Large objects on a real S3 server: nothing stays of what was broken off, not even what nobody can read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiobotocore.session import get_session

from fotofila.core.errors import UnavailableError
from fotofila.core.storage import ObjectExistsError, Storage
from fotofila.core.storage.object_store import STALE, ObjectStorage
from fotofila.core.storage.object_writer import PART_BYTES
from fotofila.testing.clock import FakeClock
from fotofila.testing.servers import S3Server
from fotofila.testing.storage_conformance import keys, put_if_absent, read
from tests.conformance.adapters import S3Place, list_bucket, open_s3_storage

LARGE = bytes(range(256)) * (3 * PART_BYTES // 256) + b"end"


@pytest.fixture
def place(s3_server: S3Server, s3_url: str) -> S3Place:
    return S3Place(url=f"{s3_url}/in", endpoint=s3_server.endpoint)


@pytest.fixture
async def storage(place: S3Place) -> AsyncIterator[Storage]:
    storage = open_s3_storage(place)
    yield storage
    await storage.close()


@pytest.fixture
async def s3(s3_server: S3Server) -> AsyncIterator[Any]:
    async with get_session().create_client(
        "s3",
        endpoint_url=s3_server.endpoint,
        region_name=s3_server.region,
        aws_access_key_id=s3_server.access_key,
        aws_secret_access_key=s3_server.secret_key,
    ) as client:
        yield client


async def unfinished(s3: Any, place: S3Place) -> list[str]:
    found = await s3.list_multipart_uploads(Bucket=S3Server.bucket, Prefix=place.prefix)
    return [upload["Key"] for upload in found.get("Uploads", [])]


async def everything(place: S3Place) -> list[str]:
    """Every name under the storage's prefix, keys or not."""
    return [meta["path"] async for page in place.store(place.prefix).list() for meta in page]


async def write_large(storage: Storage, key: str, *, if_absent: bool, wait: asyncio.Event | None = None) -> None:
    async with storage.open_writer(key, if_absent=if_absent) as writer:
        for start in range(0, len(LARGE), 1024 * 1024):
            await writer.write(LARGE[start : start + 1024 * 1024])
        if wait is not None:
            wait.set()
            await asyncio.Event().wait()
        await writer.commit()


@pytest.mark.parametrize("if_absent", [False, True])
async def test_large_object_is_whole_and_alone(storage: Storage, place: S3Place, s3: Any, if_absent: bool) -> None:
    await write_large(storage, "a/b", if_absent=if_absent)
    assert await read(storage, "a/b") == LARGE
    assert await everything(place) == ["a/b"]
    assert await unfinished(s3, place) == []


async def test_large_object_that_must_be_new_never_replaces(storage: Storage, place: S3Place, s3: Any) -> None:
    await storage.put("a/b", b"first")
    with pytest.raises(ObjectExistsError):
        await put_if_absent(storage, "a/b", LARGE)
    assert await storage.get("a/b") == b"first"
    assert await everything(place) == ["a/b"]
    assert await unfinished(s3, place) == []


@pytest.mark.parametrize("if_absent", [False, True])
async def test_cancelled_upload_leaves_nothing_in_the_bucket(
    storage: Storage,
    place: S3Place,
    s3: Any,
    if_absent: bool,
) -> None:
    """A client that goes away cancels its request half-way."""
    written = asyncio.Event()
    task = asyncio.create_task(write_large(storage, "a/b", if_absent=if_absent, wait=written))
    await written.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await everything(place) == []
    assert await unfinished(s3, place) == []


async def test_large_file_goes_in_and_comes_out(storage: Storage, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(LARGE)
    await storage.put_files({"a/b": tmp_path / "in"})
    await storage.get_file("a/b", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == LARGE
    assert (await storage.head("a/b")).size_bytes == len(LARGE)


async def test_server_that_is_gone_is_told_as_unavailable(tmp_path: Path) -> None:
    with S3Server(tmp_path) as server:
        place = S3Place(url=f"{server.url}/in", endpoint=server.endpoint)
        storage = open_s3_storage(place)
        await storage.put("a/b", b"x")
    for call in (
        lambda: storage.put("a/b", b"x"),
        lambda: storage.get("a/b"),
        lambda: storage.exists("a/b"),
        lambda: storage.delete(["a/b"]),
        lambda: keys(storage),
        lambda: write_large(storage, "a/c", if_absent=True),
        storage.check,
    ):
        with pytest.raises(UnavailableError, match="FOTOFILA_STORAGE_ENDPOINT"):
            await call()


async def test_no_other_prefix_is_seen(place: S3Place, storage: Storage) -> None:
    """Neither one that begins like ours, nor what lies beside it."""
    for other in (f"{place.prefix}-other", place.prefix.rpartition("/")[0]):
        await place.store(other).put_async("a/b", b"not ours")
    assert await keys(storage) == []
    assert not await storage.exists("a/b")
    await storage.delete(["a/b"])
    assert len(list_bucket(place)[0]) == 2  # type: ignore[index]


async def test_names_that_are_no_keys_of_ours_are_not_listed(place: S3Place, storage: Storage) -> None:
    """A bucket may be shared with people who make folders in a console."""
    await place.store(place.prefix).put_async("a/with space.jpg", b"")
    await storage.put("a/b", b"")
    assert await keys(storage) == ["a/b"]


async def test_partial_object_of_a_dead_process_goes_with_a_later_listing(place: S3Place, storage: Storage) -> None:
    """Once it is old; until then somebody may be writing it."""
    await place.store(place.prefix).put_async("a/.partial-0", b"half")
    assert await keys(storage, "a/") == []
    assert await everything(place) == ["a/.partial-0"]
    clock = FakeClock(datetime.now(UTC) + STALE + timedelta(minutes=1))
    later = ObjectStorage(place.store(place.prefix), address=place.url, deletes_in_bulk=True, clock=clock)
    assert await keys(later, "a/") == []
    assert await everything(place) == []
