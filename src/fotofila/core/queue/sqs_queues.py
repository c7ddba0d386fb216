"""The queues of SQS that lanes live on: looked for, and made where that is allowed.

Lane `process.bulk` is the queue `process-bulk`. All but the failures have a redrive policy that moves a message to the
queue of failures after `max_deliveries`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import orjson
from botocore.exceptions import ClientError

from fotofila.core.aws import code_of
from fotofila.core.errors import UnavailableError
from fotofila.core.observability.logs import get_logger
from fotofila.core.queue.base import LaneNames

log = get_logger(__name__)

KEPT_SECONDS = 14 * 24 * 3600
"""The longest that SQS keeps a message."""
ABSENT = {"NonExistentQueue", "QueueDoesNotExist"}


@dataclass(slots=True, kw_only=True)
class Queues:
    """The addresses of the queues, found once."""

    names: LaneNames
    max_deliveries: int
    create: bool
    _urls: dict[str, str] = field(default_factory=dict)
    _finding: asyncio.Lock = field(default_factory=asyncio.Lock)

    def forget(self) -> None:
        """Look again for every queue: one was deleted."""
        self._urls.clear()

    async def url(self, client: Any, lane: str) -> str:
        """Return the address of a lane's queue (by its name on the server), which is there afterwards.

        Raises:
            UnavailableError: it is not there and may not be made.
        """
        if lane not in self._urls:
            async with self._finding:
                if lane not in self._urls:
                    self._urls[lane] = await self._have(client, lane)
        return self._urls[lane]

    async def look(self, client: Any, lane: str) -> str | None:
        """Return the address of a lane's queue, or None where there is none."""
        if lane in self._urls:
            return self._urls[lane]
        try:
            answer = await client.get_queue_url(QueueName=queue_name(lane))
        except ClientError as error:
            if code_of(error) in ABSENT:
                return None
            raise
        return str(answer["QueueUrl"])

    async def _have(self, client: Any, lane: str) -> str:
        url = await self.look(client, lane)
        wanted: dict[str, str] = {}
        if lane != self.names.failures:
            failures = self._urls.get(self.names.failures) or await self._have(client, self.names.failures)
            self._urls[self.names.failures] = failures
            found = await client.get_queue_attributes(QueueUrl=failures, AttributeNames=["QueueArn"])
            wanted["RedrivePolicy"] = self._policy(found["Attributes"]["QueueArn"])
        if url is None:
            return await self._make(client, lane, wanted)
        await self._check(client, url, lane, wanted)
        return url

    def _policy(self, arn: str) -> str:
        return orjson.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": self.max_deliveries}).decode()

    async def _make(self, client: Any, lane: str, wanted: dict[str, str]) -> str:
        name = queue_name(lane)
        if not self.create:
            text = f"SQS has no queue {name}: make it, with a redrive policy, or set FOTOFILA_QUEUE_CREATE=true."
            raise UnavailableError(text)
        attributes = {"MessageRetentionPeriod": str(KEPT_SECONDS), **wanted}
        made = await client.create_queue(QueueName=name, Attributes=attributes)
        log.info("sqs.queue_made", queue=name)
        return str(made["QueueUrl"])

    async def _check(self, client: Any, url: str, lane: str, wanted: dict[str, str]) -> None:
        """Have a queue that is there move its dead letters, or say that it does not."""
        found = await client.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])
        policy = found.get("Attributes", {}).get("RedrivePolicy")
        if "RedrivePolicy" not in wanted or (policy and same(policy, wanted["RedrivePolicy"])):
            return
        if self.create:
            await client.set_queue_attributes(QueueUrl=url, Attributes=wanted)
        else:
            log.warning("sqs.redrive_policy_differs", queue=queue_name(lane), policy=policy, wanted=wanted)


def queue_name(lane: str) -> str:
    """Return what a lane is called on SQS, which knows no dots."""
    return lane.replace(".", "-")


def same(policy: str, wanted: str) -> bool:
    """Compare two redrive policies; numbers may be written as text."""
    first, second = ({key: str(value) for key, value in orjson.loads(each).items()} for each in (policy, wanted))
    return first == second
