from __future__ import annotations

import contextlib
import json
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from fotofila.core.errors import UnavailableError
from fotofila.core.jobs.keys import cancel_marker
from fotofila.core.jobs.messages import Failed, Finished, Retrying
from fotofila.core.queue import Outgoing
from fotofila.core.storage import ObjectInfo
from fotofila.core.storage.local import LocalStorage
from tests.core.disks import small_disk
from tests.worker.conftest import MAX_DELIVERIES, OWNER, Bench, types, with_settings, without_started


async def test_work_is_reported_with_what_was_made(bench: Bench) -> None:
    asked = await bench.ask("behave")
    async with bench.working():
        finished = await bench.hear("finished")
        await bench.until_empty()
    assert isinstance(finished, Finished)
    assert without_started(bench.read) == ["finished"]
    assert asked.source is not None
    prefix = f"renditions/{OWNER}/{asked.source.photo_id}/{finished.execution_id}/"
    assert [(file.name, file.key, file.size_bytes) for file in finished.renditions] == [
        ("note.txt", f"{prefix}note.txt", 9)
    ]
    assert await bench.storage.get(f"{prefix}note.txt") == b"well done"
    assert (finished.job_id, finished.round, finished.attempt, finished.dispatch) == (asked.job_id, 1, 1, 1)
    assert finished.worker.endswith(f":{os.getpid()}")
    assert finished.started_at is not None
    assert finished.started_at <= finished.created_at
    assert [result.sequence for result in bench.read] == sorted({result.sequence for result in bench.read})


async def test_worker_goes_on_after_every_kind_of_misbehaviour(bench: Bench) -> None:
    bench = with_settings(bench, job_seconds=3)
    ways = ["crash", "leave", "chatter", "lie", "stumble", "give_up", "eat", "hang", "behave"]
    asked = {(await bench.ask(how)).job_id: how for how in ways}
    told: dict[str, str] = {}
    async with bench.working():
        while len(told) < len(ways):
            result = await bench.hear("finished", "retrying", seconds=60)
            told[asked[result.job_id]] = result.error.code if isinstance(result, Retrying) else result.type
        await bench.until_empty()
    assert told == {
        "crash": "crashed",
        "leave": "crashed",
        "chatter": "finished",
        "lie": "crashed",
        "stumble": "unexpected_error",
        "give_up": "unavailable",
        "eat": "out_of_memory",
        "hang": "timed_out",
        "behave": "finished",
    }


async def test_transient_error_is_failed_once_its_attempts_are_used(bench: Bench) -> None:
    asked = await bench.ask("stumble", attempt=4)
    async with bench.working():
        failed = await bench.hear_failure()
    assert isinstance(failed, Failed)
    assert (failed.error.code, failed.error.permanent, failed.attempt) == ("unexpected_error", False, 4)
    assert "ZeroDivisionError" in (failed.error.stack or "")
    assert failed.payload == json.loads(asked.dump())


async def test_limits_are_tried_twice_only(bench: Bench) -> None:
    await bench.ask("eat", attempt=2, max_attempts=4)
    async with bench.working():
        failed = await bench.hear_failure()
    assert (failed.error.code, failed.attempt) == ("out_of_memory", 2)


async def test_permanent_error_is_failed_at_once(bench: Bench) -> None:
    await bench.ask("refuse")
    async with bench.working():
        failed = await bench.hear_failure()
        await bench.until_empty()
    assert (failed.error.code, failed.error.permanent, failed.attempt) == ("invalid_input", True, 1)
    assert failed.error.sentence == "The file ends after 3 of 18 MB: upload it again."


async def test_original_that_is_gone_is_a_failure_and_no_incident(bench: Bench) -> None:
    asked = await bench.ask("behave")
    assert asked.source is not None
    await bench.storage.delete([asked.source.key])
    async with bench.working():
        assert (await bench.hear_failure()).error.code == "object_not_found"


@pytest.mark.parametrize(
    "changes", [{"kind": "nobody.knows"}, {"kind_version": 2}, {"schema": 2}, {"schema": 99, "kind": "later"}]
)
async def test_what_a_newer_program_sent_is_put_back_and_never_dead_lettered(
    bench: Bench, changes: dict[str, object]
) -> None:
    async with bench.working():
        for _ in range(MAX_DELIVERIES + 2):
            await bench.ask("behave", **changes)
            retrying = await bench.hear("retrying")
            assert isinstance(retrying, Retrying)
            assert (retrying.snooze, retrying.error.code, retrying.attempt) == (True, "unknown_kind", 1)
        await bench.until_empty()
    assert types(await bench.rest()) == ["retrying"] * (MAX_DELIVERIES + 2)
    bench.clock.advance(3600)
    assert await bench.receive("failures") == []


async def test_what_a_newer_program_says_in_other_words_is_put_back_too(bench: Bench) -> None:
    """Its envelope is as ours, for that never changes; what is in it we need not understand."""
    asked = await bench.ask("behave")
    (delivery,) = await bench.receive("process")
    await bench.queue.ack([delivery])
    payload = {**json.loads(delivery.payload), "schema": 2, "args": "elsewhere", "source": ["another", "form"]}
    async with bench.working():
        for _ in range(MAX_DELIVERIES + 2):
            await bench.queue.enqueue("process", [Outgoing(payload=json.dumps(payload).encode())])
            retrying = await bench.hear("retrying")
            assert isinstance(retrying, Retrying)
            assert (retrying.job_id, retrying.snooze, retrying.error.code) == (asked.job_id, True, "unknown_kind")
        await bench.until_empty()
    bench.clock.advance(3600)
    assert await bench.receive("failures") == []


async def test_fields_that_a_newer_program_added_are_ignored(bench: Bench) -> None:
    asked = await bench.ask("behave")
    (delivery,) = await bench.receive("process")
    await bench.queue.ack([delivery])
    payload = {**json.loads(delivery.payload), "priority": "high", "args": {"how": "behave", "later": 1}}
    await bench.queue.enqueue("process", [Outgoing(payload=json.dumps(payload).encode())])
    async with bench.working():
        assert (await bench.hear("finished")).job_id == asked.job_id


@pytest.mark.parametrize(
    "payload", [b"", b"no json", b"{}", b"[1]", b'{"schema": 1, "id": 5}', b"\xff\xfe", b'{"a":' * 2000]
)
async def test_message_that_nobody_wrote_becomes_a_dead_letter(bench: Bench, payload: bytes) -> None:
    await bench.queue.enqueue("process", [Outgoing(payload=payload)])
    await bench.ask("behave")
    async with bench.working():
        await bench.hear("finished")
        (dead,) = await bench.receive("failures", wait_seconds=30)
    assert (dead.payload, dead.dead_letter) == (payload, True)


@pytest.mark.parametrize("changes", [{"owner": "../../etc"}, {"job_id": "../control"}, {"owner": ""}])
async def test_message_with_ids_that_are_none_is_not_worked_on(bench: Bench, changes: dict[str, object]) -> None:
    await bench.ask("behave", **changes)
    async with bench.working():
        (dead,) = await bench.receive("failures", wait_seconds=30)
    assert dead.dead_letter
    assert await bench.rest() == []
    assert await bench.objects() == []


async def test_file_that_is_not_the_childs_is_not_taken(bench: Bench, tmp_path: Path) -> None:
    secret = tmp_path / "secret.key"
    secret.write_text("secret")
    await bench.ask("reach", args={"target": str(secret)})
    async with bench.working():
        retrying = await bench.hear("retrying", "finished")
    assert isinstance(retrying, Retrying)
    assert retrying.error.code == "crashed"
    assert secret.read_text() == "secret"
    assert await bench.objects() == []


@pytest.mark.parametrize("name", ["../../x", "a/b", "", ".hidden", "x" * 65, "a\nb", "/etc/passwd"])
async def test_name_that_leads_elsewhere_is_not_taken(bench: Bench, name: str) -> None:
    await bench.ask("escape", args={"name": name})
    async with bench.working():
        assert (await bench.hear("retrying", "finished")).type == "retrying"
    assert await bench.objects() == []


async def test_file_that_was_never_written_is_told(bench: Bench) -> None:
    await bench.ask("forget")
    async with bench.working():
        assert (await bench.hear("retrying", "finished")).type == "retrying"


async def test_job_that_was_cancelled_before_is_never_begun(bench: Bench) -> None:
    asked = await bench.ask("behave", round=2)
    await bench.storage.put(cancel_marker(asked.job_id, 2), b"")
    async with bench.working():
        await bench.hear("cancelled")
        await bench.until_empty()
    assert types(await bench.rest()) == ["cancelled"]


async def test_cancel_marker_of_another_round_means_nothing(bench: Bench) -> None:
    asked = await bench.ask("behave", round=2)
    await bench.storage.put(cancel_marker(asked.job_id, 1), b"")
    async with bench.working():
        assert (await bench.hear("finished", "cancelled")).type == "finished"


async def test_job_that_is_cancelled_meanwhile_is_stopped(bench: Bench) -> None:
    asked = await bench.ask("hang")
    async with bench.working():
        await bench.hear("started")
        await bench.storage.put(cancel_marker(asked.job_id, 1), b"")
        await bench.until_empty()
        await bench.ask("behave")
        assert (await bench.hear("finished")).job_id != asked.job_id
    assert asked.job_id not in {
        result.job_id for result in bench.read if result.type not in {"started", "heartbeat", "progress"}
    }


async def test_waits_of_snoozes_and_retries_follow_the_settings(bench: Bench) -> None:
    bench = with_settings(bench, retry_scale=1.0)
    await bench.ask("give_up")
    async with bench.working():
        retrying = await bench.hear("retrying")
    assert isinstance(retrying, Retrying)
    assert not retrying.snooze
    assert retrying.wait_seconds is not None
    assert 2 <= retrying.wait_seconds <= 10, "the policy of `unavailable`, at its first attempt"


async def test_full_disk_is_waited_for_and_leaves_nothing_of_the_execution(bench: Bench, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", size_kib=64) as disk:
        bench = replace(bench, storage=LocalStorage(disk))
        await bench.ask("behave")
        fill(disk / "ballast")
        async with bench.working():
            retrying = await bench.hear("retrying")
            await bench.until_empty()
        assert isinstance(retrying, Retrying)
        assert (retrying.error.code, retrying.error.permanent) == ("storage_full", False)
        assert await bench.objects() == []
        (disk / "ballast").unlink()
        await bench.ask("behave")
        async with bench.working():
            await bench.hear("finished")


class AwayStorage(LocalStorage):
    """A storage that is away for some of what a worker wants of it."""

    away: frozenset[str] = frozenset()

    def demand(self, what: str) -> None:
        if what in self.away:
            raise UnavailableError("The bucket does not answer.")

    async def exists(self, key: str) -> bool:
        self.demand("exists")
        return await super().exists(key)

    async def get_file(self, key: str, path: Path) -> None:
        self.demand("get")
        await super().get_file(key, path)

    async def put_files(self, files: Mapping[str, Path | bytes]) -> None:
        self.demand("put")
        await super().put_files(files)

    async def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        self.demand("list")
        async for info in super().list(prefix):
            yield info


@pytest.mark.parametrize("what", ["list", "get", "put"])
async def test_storage_that_is_away_costs_neither_attempts_nor_deliveries(
    bench: Bench, tmp_path: Path, what: str
) -> None:
    storage = AwayStorage(tmp_path / "objects")
    bench = with_settings(replace(bench, storage=storage), retry_scale=0.0)
    storage.away = frozenset({what})
    async with bench.working():
        for _ in range(MAX_DELIVERIES + 2):
            await bench.ask("behave", attempt=4)
            retrying = await bench.hear("retrying")
            assert isinstance(retrying, Retrying)
            assert (retrying.snooze, retrying.error.code, retrying.attempt) == (True, "storage_away", 4)
        await bench.until_empty()
    bench.clock.advance(3600)
    assert await bench.receive("failures") == []


async def test_storage_that_is_away_takes_no_lease_from_work_under_way(bench: Bench, tmp_path: Path) -> None:
    storage = AwayStorage(tmp_path / "objects")
    bench = with_settings(replace(bench, storage=storage), lease_seconds=0.3, job_seconds=6)
    await bench.ask("hang", max_attempts=1)
    async with bench.working():
        await bench.hear("started")
        storage.away = frozenset({"exists"})
        await bench.hear("heartbeat")
        await bench.hear("heartbeat")
        assert (await bench.hear_failure()).error.code == "timed_out"


def fill(path: Path) -> None:
    """Write until there is no space."""
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
