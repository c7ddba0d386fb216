"""The conformance suite of storages: each guarantee in the docstring of `core/storage/base.py` is a test here.

An adapter proves itself with a class of its own, which says how the storage is opened:

    class TestMyStorage(StorageConformance):
        @pytest.fixture
        def harness(self, tmp_path):
            return StorageHarness(open=partial(open_my_storage, tmp_path), outside=lambda: None)

It needs pytest and pytest-asyncio (`asyncio_mode = "auto"`).
"""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from fotofila.core.errors import FotofilaError
from fotofila.core.storage import ObjectExistsError, ObjectNotFoundError, Storage
from fotofila.testing.processes import acting

MIB = 1024 * 1024
STREAM_BYTES = 64 * MIB
MEMORY_BYTES = 16 * MIB
"""What a stream of any length may cost: some chunks of a mebibyte in each direction."""

ESCAPES = (
    "../outside",
    "a/../../outside",
    "a/b/../../../outside",
    "/etc/outside",
    "//outside",
    "..",
    ".",
    "a/./b",
    "a//b",
    "a/",
    "",
    "a\\..\\..\\outside",
    "a\x00b",
    "a\nb",
    "~/outside",
    "%2e%2e/outside",
    "a/..%2foutside",
    ".partial-outside",
    "a/" + "b" * 300,
    "\uff0e\uff0e\uff0foutside",  # fullwidth dots and slash, which a careless normalisation makes plain
)
"""Keys that mean no harm to a bucket and much to a folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageHarness:
    """How the suite reaches an adapter."""

    open: Callable[[], Storage]
    """Opens the storage, the same one at each call; it is pickled, and called in other processes too. It is empty when
    a test begins."""

    outside: Callable[[], object]
    """Looks at what lies beside the root; the answer must stay the same whatever keys are used."""


class StorageConformance:
    """The guarantees of `fotofila.core.storage.base`, by number."""

    @pytest.fixture
    def harness(self) -> StorageHarness:
        """Return the harness of the adapter under test; each adapter's class has its own."""
        raise NotImplementedError

    @pytest.fixture
    async def storage(self, harness: StorageHarness) -> AsyncIterator[Storage]:
        """Open the storage for one test."""
        storage = harness.open()
        yield storage
        await storage.close()

    async def test_1_committed_object_survives_the_death_of_its_writer(
        self, harness: StorageHarness, storage: Storage
    ) -> None:
        """`commit` returned, `kill -9`: the object is there, whole."""
        with acting(write_and_say, harness.open, "a/whole", "commit") as writer:
            assert await writer.hear() == "written"
            writer.kill()
        assert await storage.get("a/whole") == bytes(8 * MIB)

    async def test_1_object_appears_with_its_commit(self, storage: Storage) -> None:
        """Not a moment before, and then whole; a second commit under the same key replaces it."""
        async with storage.open_writer("a/b") as writer:
            await writer.write(b"first ")
            await writer.write(b"part")
            assert not await storage.exists("a/b")
            assert await keys(storage) == []
            await writer.commit()
            assert await storage.get("a/b") == b"first part"
        await storage.put("a/b", b"second")
        assert await storage.get("a/b") == b"second"

    async def test_2_writer_left_without_commit_leaves_nothing(self, storage: Storage) -> None:
        """Whether it is left quietly or by an error."""
        async with storage.open_writer("a/b") as writer:
            await writer.write(b"x" * MIB)
        with pytest.raises(RuntimeError, match="broken off"):
            await break_off(storage, "a/c")
        assert await keys(storage) == []
        assert not await storage.exists("a/b")

    async def test_2_failed_replacement_leaves_the_object_as_it_was(self, storage: Storage) -> None:
        """A writer that breaks off harms nothing that was there before."""
        await storage.put("a/b", b"first")
        with pytest.raises(RuntimeError, match="broken off"):
            await break_off(storage, "a/b")
        assert await storage.get("a/b") == b"first"

    async def test_2_killed_writer_leaves_nothing_that_can_be_read(
        self, harness: StorageHarness, storage: Storage
    ) -> None:
        """`kill -9` in the middle of a write."""
        with acting(write_and_say, harness.open, "a/half", "stay") as writer:
            assert await writer.hear() == "written"
            writer.kill()
        assert await keys(storage) == []
        assert not await storage.exists("a/half")
        with pytest.raises(ObjectNotFoundError):
            await storage.get("a/half")

    async def test_3_conditional_put_never_replaces(self, storage: Storage) -> None:
        """The second writer is told; the first object stays."""
        async with storage.open_writer("a/b", if_absent=True) as writer:
            await writer.write(b"first")
            await writer.commit()
        with pytest.raises(ObjectExistsError):
            await put_if_absent(storage, "a/b", b"second")
        assert await storage.get("a/b") == b"first"
        assert await keys(storage) == ["a/b"]

    async def test_3_of_many_conditional_puts_at_once_one_wins(self, storage: Storage) -> None:
        """The content is that of the one that was not told otherwise."""
        results = await asyncio.gather(
            *(put_if_absent(storage, "a/b", b"%d" % number) for number in range(8)), return_exceptions=True
        )
        won = [number for number, result in enumerate(results) if result is None]
        assert len(won) == 1
        assert await storage.get("a/b") == b"%d" % won[0]

    @pytest.mark.parametrize(
        ("start", "end"), [(0, None), (0, 1), (3, 7), (5, None), (0, 10), (9, 10), (4, 4), (10, None), (4, 99)]
    )
    async def test_4_range_gives_exactly_the_bytes_asked_for(
        self, storage: Storage, start: int, end: int | None
    ) -> None:
        """`end` is not included; what lies past the object's end is nothing."""
        await storage.put("a/b", b"0123456789")
        assert await read(storage, "a/b", start=start, end=end) == b"0123456789"[start:end]

    async def test_4_range_may_begin_and_end_anywhere_in_a_large_object(self, storage: Storage) -> None:
        """Also where chunks meet."""
        content = bytes(range(256)) * (3 * MIB // 256)
        await storage.put("a/b", content)
        for start, end in [(MIB - 1, MIB + 1), (MIB, 2 * MIB), (17, 2 * MIB + 5), (0, 3 * MIB)]:
            assert await read(storage, "a/b", start=start, end=end) == content[start:end]

    @pytest.mark.parametrize("key", ["a/none", "none", "a", "a/b/c"])
    async def test_4_missing_object_is_told_before_the_first_byte(
        self, storage: Storage, key: str, tmp_path: Path
    ) -> None:
        """The same for every way to read; the prefix of other keys is no object, nor is what would lie below one."""
        await storage.put("a/b", b"x")
        for reading in (
            lambda: read(storage, key),
            lambda: storage.get(key),
            lambda: storage.head(key),
            lambda: storage.get_file(key, tmp_path / "file"),
            lambda: storage.copy(key, "c/d"),
        ):
            with pytest.raises(ObjectNotFoundError):
                await reading()
        assert not await storage.exists(key)
        assert await keys(storage) == ["a/b"]

    async def test_5_list_gives_every_key_once_with_size_and_time(self, storage: Storage) -> None:
        """In order inside a folder; whether a folder comes before `folder-` or after it, stores do not agree."""
        names = ["b", "a/b/c", "a-b", "a/b-c", "a.b", "a/b.c", "a/B", "a_b/c", "a/b/d", "a0"]
        for size, name in enumerate(names):
            await storage.put(name, b"x" * size)
        found = [info async for info in storage.list("")]
        assert sorted(info.key for info in found) == sorted(names)
        assert [info.key for info in found if info.key.startswith("a/b/")] == ["a/b/c", "a/b/d"]
        assert {info.key: info.size_bytes for info in found} == {name: size for size, name in enumerate(names)}
        now = datetime.now(UTC)
        assert all(abs(now - info.modified_at) < timedelta(minutes=5) for info in found)
        head = await storage.head("a/b/d")
        assert (head.key, head.size_bytes, head.modified_at) == (
            "a/b/d",
            8,
            next(info.modified_at for info in found if info.key == "a/b/d"),
        )

    async def test_5_list_takes_any_prefix_of_keys(self, storage: Storage) -> None:
        """A prefix may end inside a name; one that nothing has gives nothing."""
        for name in ("a/b/c", "a/b/d", "a/bc", "b"):
            await storage.put(name, b"")
        assert await keys(storage, "a/b") == ["a/b/c", "a/b/d", "a/bc"]
        assert await keys(storage, "a/b/") == ["a/b/c", "a/b/d"]
        assert await keys(storage, "a/b/c") == ["a/b/c"]
        assert await keys(storage, "c") == await keys(storage, "a/b/c/") == await keys(storage, "x/y/") == []

    async def test_5_list_pages_through_many_objects_in_order(self, storage: Storage) -> None:
        """More than one page of any server (1000)."""
        await asyncio.gather(*(storage.put(f"many/{number:04}", b"") for number in range(1100)))
        found = await keys(storage, "many/")
        assert len(found) == 1100
        assert all(earlier < later for earlier, later in pairwise(found))

    async def test_5_delete_of_what_is_not_there_does_no_harm(self, storage: Storage) -> None:
        """Deleting takes the objects that are there and nothing else, again and again."""
        for name in ("a/b", "a/c", "d"):
            await storage.put(name, b"x")
        for _ in range(2):
            await storage.delete(["a/b", "a/none", "none/at/all", "a", "d/e"])
            assert await keys(storage) == ["a/c", "d"]
        await storage.delete([])

    async def test_5_objects_of_one_prefix_come_and_go_at_once(self, harness: StorageHarness, storage: Storage) -> None:
        """The last object of a prefix is deleted by one process while another writes the next: no writer stumbles."""
        with ExitStack() as stack:
            names = ("flat", "a/deep", "b/deep")
            actors = [stack.enter_context(acting(come_and_go_and_say, harness.open, name)) for name in names]
            for actor in actors:
                assert await actor.hear() == "written and deleted"
        assert await keys(storage) == []

    async def test_6_no_key_reaches_outside_the_root(
        self, harness: StorageHarness, storage: Storage, tmp_path: Path
    ) -> None:
        """A key is either refused with a ValueError by every method, or an ordinary object inside."""
        before = harness.outside()
        source = tmp_path / "source"
        for key in ESCAPES:
            source.write_bytes(b"moved")
            assert not await refuses(storage.put(key, b"escaped")) or (
                await refuses(storage.put_files({key: source}))
                and await refuses(storage.copy("a", key))
                and await refuses(storage.get(key))
                and await refuses(read(storage, key))
                and await refuses(storage.head(key))
                and await refuses(storage.exists(key))
                and await refuses(storage.delete([key]))
                and await refuses(storage.get_file(key, tmp_path / "got"))
            ), key
            assert harness.outside() == before, key

    async def test_6_no_prefix_lists_what_lies_outside(self, storage: Storage) -> None:
        """Neither by going up nor by starting at the top."""
        await storage.put("a/b", b"")
        for prefix in ("../", "a/../../", "/", "/etc/", "..", "a/../"):
            try:
                found = await keys(storage, prefix)
            except ValueError:
                continue
            assert found == [], prefix

    async def test_streams_of_any_length_take_little_memory(self, storage: Storage) -> None:
        """64 MiB in, 64 MiB out and a copy, with no more than some chunks of them in memory at a time."""
        chunk = bytes(range(256)) * (MIB // 256)
        tracemalloc.start()
        try:
            async with storage.open_writer("a/large") as writer:
                for _ in range(STREAM_BYTES // MIB):
                    await writer.write(chunk)
                await writer.commit()
            await storage.copy("a/large", "a/copy")
            length = 0
            async for part in storage.get_range("a/copy", start=1):
                length += len(part)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert length == STREAM_BYTES - 1
        assert peak < MEMORY_BYTES

    async def test_files_go_in_and_come_out_as_copies(self, storage: Storage, tmp_path: Path) -> None:
        """What is done to a file that came out never reaches the object."""
        (tmp_path / "in").write_bytes(b"content")
        (tmp_path / "large").write_bytes(bytes(2 * MIB))
        (tmp_path / "empty").touch()
        files = {name: tmp_path / name for name in ("in", "large", "empty")}
        await storage.put_files({"a/b": files["in"], "a/c": files["large"], "d/empty": files["empty"], "d/bytes": b"x"})
        assert await storage.get("d/bytes") == b"x"
        await storage.get_file("a/b", tmp_path / "out")
        assert (tmp_path / "out").read_bytes() == b"content"
        with (tmp_path / "out").open("r+b") as file:
            file.write(b"changed")
        assert await storage.get("a/b") == b"content"
        for key, size in {"a/c": 2 * MIB, "d/empty": 0}.items():
            await storage.get_file(key, tmp_path / "out")
            assert (tmp_path / "out").read_bytes() == bytes(size)

    async def test_copy_is_an_object_of_its_own(self, storage: Storage) -> None:
        """Deleting one leaves the other."""
        await storage.put("a/b", b"content")
        await storage.copy("a/b", "c/d")
        await storage.delete(["a/b"])
        assert await storage.get("c/d") == b"content"

    async def test_empty_object_is_an_object(self, storage: Storage) -> None:
        """A cancel marker has no content."""
        await storage.put("control/a/1", b"")
        assert await storage.exists("control/a/1")
        assert (await storage.head("control/a/1")).size_bytes == 0
        assert await read(storage, "control/a/1") == b""


async def keys(storage: Storage, prefix: str = "") -> list[str]:
    """Return the keys under a prefix."""
    return [info.key async for info in storage.list(prefix)]


async def read(storage: Storage, key: str, *, start: int = 0, end: int | None = None) -> bytes:
    """Return a range whole."""
    return b"".join([chunk async for chunk in storage.get_range(key, start=start, end=end)])


async def put_if_absent(storage: Storage, key: str, content: bytes) -> None:
    """Write an object unless there is one."""
    async with storage.open_writer(key, if_absent=True) as writer:
        await writer.write(content)
        await writer.commit()


async def break_off(storage: Storage, key: str) -> None:
    """Leave a writer by an error."""
    async with storage.open_writer(key) as writer:
        await writer.write(b"x")
        raise RuntimeError("broken off")


async def come_and_go_and_say(say: Callable[[Any], None], open_storage: Callable[[], Storage], name: str) -> None:
    """Play one of several that write and delete under one prefix."""
    storage = open_storage()
    for number in range(300):
        await storage.put(f"x/y/{name}", b"%d" % number)
        await storage.delete([f"x/y/{name}"])
    say("written and deleted")


async def refuses(call: Any) -> bool:
    """Say whether a call ends with the ValueError that refuses a key."""
    try:
        await call
    except ValueError:
        return True
    except FotofilaError:
        return False
    return False


async def write_and_say(say: Callable[[Any], None], open_storage: Callable[[], Storage], key: str, then: str) -> None:
    """Play a writer that stays alive after 8 MiB, in the middle of its object or past its end."""
    async with open_storage().open_writer(key) as writer:
        for _ in range(8):
            await writer.write(bytes(MIB))
        if then == "commit":
            await writer.commit()
        say("written")
        await asyncio.Event().wait()
