from __future__ import annotations

import asyncio
import json
from functools import partial

import pytest

from fotofila.core.errors import UnavailableError
from fotofila.core.queue import Depth, LaneNames, Outgoing
from fotofila.core.queue.sqs import SqsQueue
from fotofila.testing.queue_conformance import QueueConformance, QueueHarness
from fotofila.testing.servers import SqsServer
from tests.conformance.adapters import open_renamed_sqs_queue, open_sqs_queue, sqs_access


def harness_of(url: str, server: SqsServer) -> QueueHarness:
    """The server keeps its queues in memory: it can be frozen, not killed."""

    async def take_away() -> None:
        server.pause()

    async def bring_back() -> None:
        server.resume()

    return QueueHarness(
        open=partial(open_sqs_queue, url),
        pass_time=asyncio.sleep,
        lease_seconds=2,
        patience_seconds=20,
        dedups_for_all=False,
        delivers_once=False,
        splits_depth=False,
        take_away=take_away,
        bring_back=bring_back,
    )


class TestSqsQueue(QueueConformance):
    @pytest.fixture
    def harness(self, sqs_server: SqsServer, sqs_url: str) -> QueueHarness:
        return harness_of(sqs_url, sqs_server)


async def test_queues_have_the_names_of_the_settings_and_keep_their_dead_letters_apart(sqs_url: str) -> None:
    queue = open_renamed_sqs_queue(sqs_url)
    try:
        await queue.enqueue("process.bulk", [Outgoing(payload=b"poison")])
        for _ in range(3):
            (held,) = await queue.receive(["process.bulk"], max_messages=1, wait_seconds=20, lease_seconds=60)
            await queue.nack(held)
        assert await queue.receive(["process.bulk"], max_messages=1, wait_seconds=0, lease_seconds=60) == []
        (dead,) = await queue.receive(["failures"], max_messages=1, wait_seconds=20, lease_seconds=60)
    finally:
        await queue.close()
    assert (dead.payload, dead.dead_letter, dead.lane) == (b"poison", True, "falhas_processamento")
    async with sqs_access(sqs_url).client("sqs") as client:
        urls = (await client.list_queues())["QueueUrls"]
    assert {url.rpartition("/")[2] for url in urls} == {"falhas_processamento", "fotos_para_processar-bulk"}


async def test_queue_that_may_not_be_made_is_asked_for(sqs_url: str) -> None:
    queue = SqsQueue(sqs_access(sqs_url), max_deliveries=3, names=LaneNames(), create=False)
    try:
        with pytest.raises(UnavailableError, match="FOTOFILA_QUEUE_CREATE"):
            await queue.enqueue("process", [Outgoing(payload=b"a")])
        assert await queue.depth("process") == Depth(ready=0, leased=0)
    finally:
        await queue.close()


async def test_queue_that_is_there_without_a_redrive_policy_gets_one(sqs_url: str) -> None:
    async with sqs_access(sqs_url).client("sqs") as client:
        url = (await client.create_queue(QueueName="process"))["QueueUrl"]
        queue = open_sqs_queue(sqs_url)
        await queue.enqueue("process", [Outgoing(payload=b"a")])
        await queue.close()
        found = await client.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])
    policy = json.loads(found["Attributes"]["RedrivePolicy"])
    assert (policy["deadLetterTargetArn"].rpartition(":")[2], int(policy["maxReceiveCount"])) == ("failures", 3)


async def test_queue_that_is_deleted_is_made_again(sqs_url: str, sqs_server: SqsServer) -> None:
    queue = open_sqs_queue(sqs_url)
    try:
        await queue.enqueue("process", [Outgoing(payload=b"a")])
        sqs_server.reset()
        await queue.enqueue("process", [Outgoing(payload=b"b")])
        (got,) = await queue.receive(["process"], max_messages=5, wait_seconds=20, lease_seconds=60)
    finally:
        await queue.close()
    assert got.payload == b"b"
