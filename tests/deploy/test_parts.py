"""The configurations of the parts, on the parts themselves."""

from __future__ import annotations

import asyncio
import json
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from nats.aio.client import Client

from fotofila.bootstrap import make_storage
from fotofila.cli.storage import demand_storage
from fotofila.core.config import SettingsError, load_settings
from fotofila.core.queue import LaneNames, Outgoing
from fotofila.core.queue.nats import NatsQueue
from fotofila.core.queue.nats_link import NatsAddress
from fotofila.core.storage import Storage
from tests.deploy.composed import ComposedNats, ComposedS3
from tests.deploy.files import COMPOSE


def test_secrets_are_made_once_and_for_nobody_else(secrets: Path) -> None:
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    before = {path.name: path.read_text(encoding="utf-8") for path in secrets.iterdir()}
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o644 for path in secrets.iterdir()), "containers must read them"
    subprocess.run([COMPOSE / "secrets.sh", secrets], check=True)
    assert {path.name: path.read_text(encoding="utf-8") for path in secrets.iterdir()} == before
    assert len(set(before.values())) == len(before)


@pytest.fixture(scope="module")
def composed_nats(tmp_path_factory: pytest.TempPathFactory, secrets: Path) -> Iterator[ComposedNats]:
    with ComposedNats(tmp_path_factory.mktemp("nats"), secrets) as server:
        yield server


def queue_of(server: ComposedNats, secret: str) -> NatsQueue:
    return NatsQueue(NatsAddress(url=server.url_of(secret)), max_deliveries=3, names=LaneNames())


LANES = ("process", "process.bulk")


async def test_worker_may_take_work_and_report_and_comes_first_if_it_must(composed_nats: ComposedNats) -> None:
    worker, owner = queue_of(composed_nats, "worker_queue_url"), queue_of(composed_nats, "queue_url")
    try:
        assert await worker.receive(LANES, max_messages=1, wait_seconds=0, lease_seconds=30) == []
        await owner.enqueue("process.bulk", [Outgoing(payload=b"work")])
        (taken,) = await worker.receive(LANES, max_messages=1, wait_seconds=20, lease_seconds=30)
        assert await worker.extend(taken, lease_seconds=30)
        for lane in ("results", "failures"):
            await worker.enqueue(lane, [Outgoing(payload=b"report")])
        await worker.ack([taken])
        for lane in ("results", "failures"):
            (report,) = await owner.receive([lane], max_messages=1, wait_seconds=20, lease_seconds=30)
            assert report.payload == b"report"
    finally:
        await worker.close()
        await owner.close()


@pytest.mark.parametrize(
    "subject",
    [
        "process",
        "process.bulk",
        "$JS.API.CONSUMER.MSG.NEXT.results.results",
        "$JS.API.CONSUMER.DURABLE.CREATE.results.results",
        "$JS.API.CONSUMER.DELETE.process.process",
        "$JS.API.STREAM.DELETE.process",
        "$JS.API.STREAM.PURGE.process",
        "$JS.API.STREAM.UPDATE.process",
        "$JS.API.STREAM.MSG.GET.results",
    ],
)
async def test_worker_may_neither_send_work_nor_read_reports_nor_change_streams(
    composed_nats: ComposedNats, subject: str
) -> None:
    told: asyncio.Queue[Exception] = asyncio.Queue()
    client = Client()
    url = composed_nats.url_of("worker_queue_url")
    await client.connect(url, error_cb=told.put, allow_reconnect=False)
    try:
        await client.publish(subject, b"{}")
        async with asyncio.timeout(60):
            refused = str(await told.get()).lower()
        assert "permissions violation" in refused
        assert subject.lower() in refused
    finally:
        await client.close()


async def test_database_role_owns_its_database_and_nothing_else(initialised: str) -> None:
    connection = await asyncpg.connect(initialised)
    try:
        await connection.execute("CREATE TABLE one (id int)")
        query = "SELECT rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = $1"
        row = await connection.fetchrow(query, "fotofila")
        assert row is not None
        assert tuple(row) == (False, False, False)
    finally:
        await connection.close()


def storage_of(server: ComposedS3, who: str, bucket: str = "photos") -> Storage:
    return make_storage(
        load_settings(
            storage_url=f"s3://{bucket}",
            storage_endpoint=server.endpoint,
            storage_access_key_id=(server.secrets / f"{who}storage_access_key_id").read_text(encoding="utf-8"),
            storage_secret_access_key=(server.secrets / f"{who}storage_secret_access_key").read_text(encoding="utf-8"),
            storage_create_bucket=not who,
        )
    )


async def test_both_keys_open_the_bucket_and_no_other(tmp_path: Path, secrets: Path) -> None:
    with ComposedS3(tmp_path, secrets) as server:
        for who in ("", "worker_"):
            storage, other = storage_of(server, who), storage_of(server, who, "others")
            try:
                await demand_storage(storage)
                await storage.put("a/b", b"photo")
                assert await storage.get("a/b") == b"photo"
                assert [each.key async for each in storage.list("a/")] == ["a/b"]
                await storage.delete(["a/b"])
                with pytest.raises(SettingsError, match="FOTOFILA_STORAGE"):
                    await demand_storage(other)
            finally:
                await storage.close()
                await other.close()


def test_worker_may_not_make_buckets(secrets: Path) -> None:
    told = json.loads((secrets / "storage_users.json").read_text(encoding="utf-8"))
    rights = {one["name"]: one["actions"] for one in told["identities"]}
    assert all(action.endswith(":photos") for actions in rights.values() for action in actions)
    assert rights["worker"] == ["Read:photos", "Write:photos", "List:photos"]
