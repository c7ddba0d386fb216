from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from fotofila.core.aws import AwsAccess
from fotofila.core.aws.calls import FAULTS, AwsRefusedError, PacedCalls
from fotofila.core.aws.pace import OwnSlots, Pace
from fotofila.core.errors import UnavailableError

Answer = tuple[int, dict[str, object]]

THROTTLE: Answer = (400, {"__type": "ThrottlingException", "Message": "slower"})
EXCEEDED: Answer = (400, {"__type": "ProvisionedThroughputExceededException", "Message": "slower"})
FAULT: Answer = (500, {"__type": "InternalServerError", "Message": "oops"})
REFUSED: Answer = (400, {"__type": "InvalidParameterException", "Message": "no such thing"})
FINE: Answer = (200, {"CollectionIds": ["one"]})


class Service:
    """Answers as it was told, the last answer for ever, and counts."""

    def __init__(self, answers: Sequence[Answer]) -> None:
        self.answers = list(answers)
        self.asked = 0
        self.slept: list[float] = []
        self.served: list[asyncio.Task[None]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.served.append(task)
        try:
            await self.converse(reader, writer)
        finally:
            writer.close()
            await writer.wait_closed()

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await read_head(reader):
            await reader.readexactly(head)
            status, said = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            self.asked += 1
            body = json.dumps(said).encode()
            lines = f"HTTP/1.1 {status} X\r\ncontent-type: application/x-amz-json-1.1\r\ncontent-length: {len(body)}"
            writer.write(f"{lines}\r\n\r\n".encode() + body)
            await writer.drain()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)


async def read_head(reader: asyncio.StreamReader) -> int:
    """Read the head of a request; returns the length of its body, or 0 at the end."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    except asyncio.IncompleteReadError:
        return 0
    return int(head.split("content-length: ")[1].split("\r\n")[0])


@asynccontextmanager
async def calling(service: Service, *, patience_seconds: float = 60) -> AsyncIterator[PacedCalls]:
    server = await asyncio.start_server(service.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    access = AwsAccess(
        region="eu-west-1", endpoint=f"http://127.0.0.1:{port}", access_key_id="id", secret_access_key="secret"
    )
    pace = Pace(OwnSlots(), per_second=1e6, account="a", sleep=service.sleep, chance=random.Random(1))
    calls = PacedCalls(access, "rekognition", pace, patience_seconds=patience_seconds, setting="THE_SETTING")
    try:
        yield calls
    finally:
        await calls.close()
        server.close()
        await server.wait_closed()
        await asyncio.gather(*service.served, return_exceptions=True)


async def test_throttle_never_shows() -> None:
    service = Service([THROTTLE, EXCEEDED, THROTTLE, THROTTLE, THROTTLE, THROTTLE, FINE])

    async with calling(service) as calls:
        answer = await calls("list_collections")

    assert answer["CollectionIds"] == ["one"]
    assert service.asked == 7
    assert max(service.slept) > 1


async def test_throttles_without_end_end_with_our_patience() -> None:
    service = Service([THROTTLE])

    async with calling(service, patience_seconds=0.3) as calls:
        with pytest.raises(UnavailableError, match="THE_SETTING"):
            await calls("list_collections")


async def test_fault_of_the_server_is_tried_again_a_few_times() -> None:
    mended, broken = Service([FAULT, FAULT, FINE]), Service([FAULT])

    async with calling(mended) as calls:
        assert (await calls("list_collections"))["CollectionIds"] == ["one"]
    async with calling(broken) as calls:
        with pytest.raises(UnavailableError, match="does not answer"):
            await calls("list_collections")
    assert broken.asked == FAULTS


async def test_refusal_is_told_at_once_with_its_name() -> None:
    service = Service([REFUSED])

    async with calling(service) as calls:
        with pytest.raises(AwsRefusedError, match="no such thing") as told:
            await calls("list_collections")

    assert (told.value.name, service.asked) == ("InvalidParameterException", 1)


async def test_server_that_is_not_there_is_named_by_its_setting() -> None:
    service = Service([FINE])
    access = AwsAccess(region="eu-west-1", endpoint="http://127.0.0.1:9", access_key_id="id", secret_access_key="s")
    pace = Pace(OwnSlots(), per_second=1e6, account="a", sleep=service.sleep, chance=random.Random(1))
    away = PacedCalls(access, "rekognition", pace, patience_seconds=60, setting="THE_SETTING")

    with pytest.raises(UnavailableError, match="THE_SETTING"):
        await away("list_collections")
    await away.close()
