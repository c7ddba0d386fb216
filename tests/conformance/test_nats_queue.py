from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import ip_address
from pathlib import Path

import nats
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig, RetentionPolicy, StreamConfig

from fotofila.core.errors import UnavailableError
from fotofila.core.queue import Delivery, Depth, LaneNames, Outgoing, Queue
from fotofila.core.queue.nats import NatsQueue
from fotofila.core.queue.nats_link import NatsAddress
from fotofila.testing.queue_conformance import QueueConformance, QueueHarness
from fotofila.testing.servers import NatsServer
from fotofila.testing.servers.process import free_port
from tests.conformance.adapters import open_nats_queue, open_renamed_nats_queue


def harness_of(server: NatsServer) -> QueueHarness:
    async def bring_back() -> None:
        await asyncio.to_thread(server.start)

    async def take_away() -> None:
        await asyncio.to_thread(server.kill)

    return QueueHarness(
        open=partial(open_nats_queue, server.url),
        pass_time=asyncio.sleep,
        lease_seconds=2,
        patience_seconds=20,
        splits_depth=False,
        take_away=take_away,
        bring_back=bring_back,
    )


class TestNatsQueue(QueueConformance):
    @pytest.fixture
    def harness(self, nats_server: NatsServer) -> QueueHarness:
        return harness_of(nats_server)


@pytest.fixture
async def queue(nats_url: str) -> AsyncIterator[Queue]:
    queue = open_nats_queue(nats_url)
    yield queue
    await queue.close()


async def test_streams_have_the_names_of_the_settings(nats_url: str) -> None:
    queue = open_renamed_nats_queue(nats_url)
    await queue.enqueue("process.bulk", [Outgoing(payload=b"poison")])
    for _ in range(3):
        (held,) = await receive(queue, "process.bulk")
        await queue.nack(held)
    assert await receive(queue, "process.bulk", wait_seconds=0) == []
    (dead,) = await receive(queue, "failures")
    assert (dead.payload, dead.dead_letter, dead.lane) == (b"poison", True, "falhas_processamento")
    await queue.close()
    async with connected(nats_url) as jetstream:
        names = {info.config.name for info in await jetstream.streams_info()}
    assert names == {"fotos_para_processar", "falhas_processamento", "falhas_processamento-dead"}


async def test_server_that_was_wiped_clean_is_furnished_again(nats_server: NatsServer, queue: Queue) -> None:
    """What it had is lost; the next message is not, for a sender or a receiver that was there before."""
    other = open_nats_queue(nats_server.url)
    await queue.enqueue("process", [Outgoing(payload=b"lost")])
    assert len(await receive(other, "process")) == 1
    waiting = asyncio.create_task(receive(other, "process", "process.bulk", wait_seconds=60))
    nats_server.kill()
    nats_server.wipe()
    nats_server.start()
    await queue.enqueue("process", [Outgoing(payload=b"kept")])
    while not (got := [one.payload for one in await outlive(waiting)]):
        waiting = asyncio.create_task(receive(other, "process", "process.bulk"))
    assert got == [b"kept"]
    await other.close()


async def test_what_was_held_of_a_wiped_server_ends_nothing_on_the_new_one(
    nats_server: NatsServer, queue: Queue
) -> None:
    """Its numbers begin anew: the first message of the old server has the number of the first of the new."""
    await queue.enqueue("process", [Outgoing(payload=b"old")])
    (old,) = await receive(queue, "process")
    nats_server.kill()
    nats_server.wipe()
    nats_server.start()
    other = open_nats_queue(nats_server.url)
    await other.enqueue("process", [Outgoing(payload=b"new")])
    (new,) = await receive(other, "process")
    await queue.ack([old])
    await queue.nack(old)
    assert not await queue.extend(old, lease_seconds=60)
    assert await queue.depth("process") == Depth(ready=0, leased=1)
    assert await other.extend(new, lease_seconds=60)
    await other.close()


async def test_streams_and_consumers_that_are_there_are_brought_up_to_date(nats_url: str, queue: Queue) -> None:
    """What we need is set; what the operator chose beside it stays."""
    async with connected(nats_url) as jetstream:
        await jetstream.add_stream(
            StreamConfig(
                name="process",
                subjects=["process", "more"],
                retention=RetentionPolicy.WORK_QUEUE,
                description="ours",
                duplicate_window=5,
            )
        )
        lax = ConsumerConfig(durable_name="process", filter_subject="process", ack_wait=7, max_deliver=9)
        await jetstream.add_consumer("process", lax)
        await queue.enqueue("process.bulk", [Outgoing(payload=b"a")])
        await receive(queue, "process", wait_seconds=0)
        stream = (await jetstream.stream_info("process")).config
        consumer = (await jetstream.consumer_info("process", "process")).config
    assert set(stream.subjects or []) == {"process", "more", "process.>"}
    assert (stream.description, stream.duplicate_window) == ("ours", 120)
    assert (consumer.ack_wait, consumer.max_deliver) == (60, 3)


async def test_stream_of_another_kind_is_refused_with_a_sentence(nats_url: str, queue: Queue) -> None:
    async with connected(nats_url) as jetstream:
        await jetstream.add_stream(StreamConfig(name="process", subjects=["process"]))
    with pytest.raises(UnavailableError, match="stream process"):
        await queue.enqueue("process", [Outgoing(payload=b"a")])


async def test_user_and_password_of_the_url_are_used(tmp_path: Path) -> None:
    class Guarded(NatsServer):
        def command(self) -> Sequence[str]:
            return [*super().command(), "--user", "worker", "--pass", "s@cret"]

    with Guarded(tmp_path) as server:
        refused = open_nats_queue(server.url)
        with pytest.raises(UnavailableError, match="Authorization"):
            await refused.enqueue("process", [Outgoing(payload=b"a")])
        await refused.close()
        queue = open_nats_queue(server.url.replace("://", "://worker:s%40cret@"))
        await queue.enqueue("process", [Outgoing(payload=b"a")])
        await queue.close()


async def test_server_that_froze_is_told_of_and_met_again(nats_server: NatsServer, queue: Queue) -> None:
    await queue.enqueue("process", [Outgoing(payload=b"a", dedup_id="a")])
    nats_server.pause()
    with pytest.raises(UnavailableError, match="NATS does not answer"):
        await queue.enqueue("process", [Outgoing(payload=b"b", dedup_id="b")])
    nats_server.resume()
    await queue.enqueue("process", [Outgoing(payload=b"b", dedup_id="b")])
    assert [(await receive(queue, "process"))[0].payload for _ in range(2)] == [b"a", b"b"]
    assert await receive(queue, "process", wait_seconds=0) == []


async def test_encrypted_server_is_asked_for_its_name(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)

    class Encrypted(NatsServer):
        def command(self) -> Sequence[str]:
            return [*super().command(), "--tls", "--tlscert", str(certificate), "--tlskey", str(key)]

    with Encrypted(tmp_path / "server") as server:
        url = server.url.replace("nats://", "tls://")
        stranger = NatsQueue(NatsAddress(url=url), max_deliveries=3, names=LaneNames())
        with pytest.raises(UnavailableError, match=r"(?i)certificate"):
            await stranger.enqueue("process", [Outgoing(payload=b"a")])
        await stranger.close()
        queue = NatsQueue(NatsAddress(url=url, tls_ca=certificate), max_deliveries=3, names=LaneNames())
        await queue.enqueue("process", [Outgoing(payload=b"a")])
        assert [one.payload for one in await receive(queue, "process")] == [b"a"]
        await queue.close()


def self_signed(folder: Path) -> tuple[Path, Path]:
    """Make a certificate for loopback that is its own authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    loopback = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    signed = (
        builder.not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(loopback, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / "certificate.pem", folder / "key.pem"
    certificate_file.write_bytes(signed.public_bytes(Encoding.PEM))
    key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return certificate_file, key_file


async def test_one_server_of_several_is_enough(nats_server: NatsServer) -> None:
    away = f"127.0.0.1:{free_port()}"
    queue = open_nats_queue(nats_server.url.replace("://", f"://{away},"))
    await queue.enqueue("process", [Outgoing(payload=b"a")])
    assert await queue.depth("process") == Depth(ready=1, leased=0)
    await queue.close()


async def receive(queue: Queue, *lanes: str, wait_seconds: float = 20) -> list[Delivery]:
    return await queue.receive(lanes, max_messages=1, wait_seconds=wait_seconds, lease_seconds=60)


async def outlive(waiting: asyncio.Task[list[Delivery]]) -> list[Delivery]:
    try:
        return await waiting
    except UnavailableError:
        return []


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[JetStreamContext]:
    client = await nats.connect(url)
    yield client.jetstream()
    await client.close()
