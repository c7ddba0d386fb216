"""A worker that dies while it asks Rekognition: the next one has the photo, and nobody is known twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from fotofila.access.workspaces import DEFAULT_WORKSPACE
from fotofila.faces.engine.names import aws_collection
from tests.e2e.conftest import Served as Photos
from tests.e2e.conftest import serving
from tests.e2e.processes import Member, environment, members
from tests.rekognition.clients import REGION, Target, own_client
from tests.rekognition.conftest import Portraits, Served
from tests.rekognition.test_engine import target_that_recognises

pytestmark = pytest.mark.e2e

CHUNK_BYTES = 64 * 1024
DOOR = {"collection": "guests", "search": "largest_or_index"}
THERE = aws_collection(DEFAULT_WORKSPACE, "guests", prefix="")
ROLES = "api,relay,feedback,failures,reconciler,sweeper"


@dataclass(slots=True, kw_only=True, eq=False)
class Withholding:
    """Stands before the server, and keeps back its answers to one operation: what was asked for is done, unheard."""

    port: int
    operation: bytes
    keeps_back: bool = True
    done: asyncio.Event = field(default_factory=asyncio.Event)
    carrying: set[asyncio.Task[None]] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        carrying = asyncio.current_task()
        assert carrying is not None
        self.carrying.add(carrying)
        their_reader, their_writer = await asyncio.open_connection("127.0.0.1", self.port)
        asked = asyncio.Event()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.forth(reader, their_writer, asked))
                tasks.create_task(self.back(their_reader, writer, asked))
        except* OSError:
            pass
        finally:
            writer.close()
            their_writer.close()

    async def forth(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: asyncio.Event) -> None:
        while chunk := await reader.read(CHUNK_BYTES):
            if self.keeps_back and self.operation in chunk:
                asked.set()
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()

    async def back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: asyncio.Event) -> None:
        while chunk := await reader.read(CHUNK_BYTES):
            if asked.is_set():
                self.done.set()
                continue
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()


@asynccontextmanager
async def withholding(url: str, operation: str) -> AsyncIterator[tuple[Withholding, str]]:
    """Stand before a server of this machine for a block; gives the address to ask instead."""
    between = Withholding(port=int(url.rpartition(":")[2]), operation=f".{operation}".encode())
    server = await asyncio.start_server(between.serve, "127.0.0.1", 0)
    try:
        yield between, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await asyncio.gather(*between.carrying)


def asking(target: Target, endpoint: str, folder: Path) -> dict[str, object]:
    """Return the settings of a server, and of workers, without models of their own."""
    return {
        "models_dir": folder / "no-models",
        "workers": 1,
        "lease_seconds": 5,
        "faces_engine": "rekognition",
        "faces_aws_endpoint": endpoint,
        "faces_aws_region": REGION,
        "faces_aws_access_key_id": target.access_key_id,
        "faces_aws_secret_access_key": target.secret_access_key,
        "faces_aws_tps": 1000,
    }


def worker(name: str, here: Photos, settings: dict[str, object]) -> Member:
    return Member(
        name=name,
        arguments=("work",),
        ready_when='"worker.started"',
        environment=environment(data_dir=here.data_dir, **settings),
        log=here.data_dir / f"{name}.log",
    )


async def look(client: httpx.AsyncClient, path: str) -> Any:
    """Return a good answer."""
    answer = await client.get(path)
    assert answer.is_success, answer.text
    return answer.json()


async def test_photo_of_a_worker_killed_while_it_asks_is_done_by_the_next_with_each_face_once(
    served: Served, portraits: Portraits, tmp_path: Path
) -> None:
    """It dies when Rekognition has indexed the face, and before it hears of that."""
    target = await target_that_recognises(served)
    async with withholding(target.url, "IndexFaces") as (between, endpoint):
        settings = asking(target, endpoint, tmp_path)
        async with (
            serving(tmp_path, arguments=("serve", "--roles", ROLES), **settings) as here,
            here.client() as client,
        ):
            made = await client.post("/api/collections", json={"name": "guests", "switched_on": True})
            assert made.is_success, made.text
            first, second = worker("first", here, settings), worker("second", here, settings)
            with members(first):
                upload = (await client.post("/api/photos", params=DOOR, content=portraits.first)).json()
                async with asyncio.timeout(120):
                    await between.done.wait()
                first.kill()
            between.keeps_back = False
            with members(second):
                async with asyncio.timeout(120):
                    while (await look(client, f"/api/jobs/{upload['job']['id']}"))["state"] != "done":  # noqa: ASYNC110
                        await asyncio.sleep(0.1)
                assert await second.terminate() == 0, second.said[-3000:]
            photo = await look(client, f"/api/photos/{upload['photo']['id']}")
            listed = (await look(client, "/api/collections/guests/faces"))["items"]
            told = await asyncio.to_thread(lambda: own_client(target).list_faces(CollectionId=THERE))
    [there] = [face["FaceId"].replace("-", "") for face in told["Faces"]]
    [match] = [match for face in photo["faces"] for match in face["matches"]]
    assert photo["face_count"] == 1
    assert (match["face_id"], match["similarity"]) == (there, None)
    assert [(each["face_id"], each["photo_id"]) for each in listed] == [(there, photo["id"])]
