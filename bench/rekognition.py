"""The wire end to end: `python -m bench rekognition [--faces 50000] [--calls 200]`.

A served process answers the newest boto3 over HTTP: signature, decoding, detection, embedding, exact search among the
faces of a collection, the audit log's entry, the answer. The collection is filled by its tables beforehand, one real
face is indexed over the wire and must be found each time. The aim is p95 within 150 ms on two cores for a portrait;
CompreFace names 300 ms on four cores for its own service.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PIL import Image
from sqlalchemy import insert, update

from bench.face_search import id_of, people
from bench.served import cpu_of, free_port, start, wait_for
from fotofila.access.audit import OPERATOR
from fotofila.access.aws_keys import create_aws_key
from fotofila.access.workspaces import DEFAULT_WORKSPACE, ensure_default_workspace
from fotofila.bootstrap import make_context
from fotofila.core.capability import Context
from fotofila.core.config import load_settings
from fotofila.core.db.migrate import prepare_database
from fotofila.core.inference.fetch import fetch
from fotofila.core.inference.store import default_models_dir
from fotofila.faces.collections import desk
from fotofila.faces.collections.models import CollectionFace, CollectionRow, FaceVector
from fotofila.faces.collections.types import CollectionInfo
from fotofila.faces.specs import DEMO_PHOTO

SDK = Path(__file__).resolve().parents[1] / f"{os.environ.get('VENV', '.venv')}-sdk" / "bin" / "python"
AIM_MS = 150
CLAIMED_MS = 300
"""By CompreFace, on four cores."""
NAME = "bench"
WARM_UP = 10
FACE = {
    "bounding_box": {"left": 0.3, "top": 0.3, "width": 0.3, "height": 0.4},
    "confidence": 0.99,
    "landmarks": [],
    "pose": {"roll": 0.0, "yaw": 0.0, "pitch": 0.0},
    "quality": {"brightness": 50.0, "sharpness": 50.0},
    "age_range": None,
    "apparent_gender": None,
}
PORTRAIT = (2240, 1000, 2400, 1220)
SCENE = (1500, 900, 3000, 2025)
"""Left, top, right and bottom in the demo photo."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Whom to ask."""

    url: str
    access_key_id: str
    secret_access_key: str
    process: psutil.Process

    def cpu_seconds(self) -> float:
        """Return what the server and its children have used so far."""
        return sum(cpu_of(each) for each in (self.process, *self.process.children(recursive=True)))


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench rekognition")
    parser.add_argument("--faces", type=int, default=50_000)
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--children", type=int, default=2, help="processes that look at images")
    arguments = parser.parse_args(argv)
    if not SDK.exists():
        print("The newest boto3 has an environment of its own: run `make sdk-deps`.")
        return 2
    with tempfile.TemporaryDirectory(prefix="fotofila-bench-") as folder, contextlib.ExitStack() as stack:
        data = Path(folder) / "data"
        data.mkdir()
        key = asyncio.run(fill(data, arguments.faces))
        port = free_port()
        env = {name: value for name, value in os.environ.items() if not name.startswith("FOTOFILA_")}
        env |= {
            "FOTOFILA_DATA_DIR": str(data),
            "FOTOFILA_MODELS_DIR": str(models_dir()),
            "FOTOFILA_RATE_LIMIT": "1000000/second",
            "FOTOFILA_LOG_LEVEL": "warning",
            "FOTOFILA_WORKERS": str(arguments.children),
        }
        process = start(stack, env, "serve", "--roles", "api", "--port", str(port))
        url = f"http://127.0.0.1:{port}"
        wait_for(url)
        server = Server(url=f"{url}/rekognition", access_key_id=key[0], secret_access_key=key[1], process=process)
        measure(server, pictures(Path(folder)), faces=arguments.faces, calls=arguments.calls)
    return 0


def measure(server: Server, shown: dict[str, Path], *, faces: int, calls: int) -> None:
    """Print the figures."""
    for name, path in shown.items():
        indexed = ask(server, "index_faces", {"Image": path, "ExternalImageId": path.stem, "MaxFaces": 1}, calls=1)
        (record,) = indexed["answer"]["FaceRecords"]
        for clients in (1, 2):
            told = ask(server, "search_faces_by_image", {"Image": path}, calls=calls, clients=clients)
            assert told["answer"]["FaceMatches"][0]["Face"]["FaceId"] == record["Face"]["FaceId"]
            tell(f"SearchFacesByImage, {name}, {faces:,} faces, {clients} at once", told)
    told = ask(server, "search_faces", {"FaceId": record["Face"]["FaceId"]}, calls=calls)
    tell("SearchFaces (no image)", told)
    told = ask(server, "describe_collection", {}, calls=calls)
    tell("DescribeCollection (the wire alone)", told)


def tell(what: str, told: dict[str, Any]) -> None:
    """Print one line."""
    p50, p95, p99 = 1000 * np.percentile(told["laps"], (50, 95, 99))
    rate = len(told["laps"]) / told["seconds"]
    cpu = 1000 * told["cpu_seconds"] / told["made"]
    print(
        f"{what}: p50 {p50:.1f} ms, p95 {p95:.1f} ms, p99 {p99:.1f} ms, {rate:.1f}/s, "
        f"{cpu:.1f} ms of CPU a call; "
        f"p95 is {p95 / AIM_MS:.2f} of the aim of {AIM_MS} ms, {p95 / CLAIMED_MS:.2f} of CompreFace's {CLAIMED_MS} ms",
        flush=True,
    )


def ask(server: Server, method: str, given: dict[str, Any], *, calls: int, clients: int = 1) -> dict[str, Any]:
    """Call from the environment of the newest boto3."""
    arguments = {name: {"path": str(value)} if isinstance(value, Path) else value for name, value in given.items()}
    told = {
        "url": server.url,
        "access_key_id": server.access_key_id,
        "secret_access_key": server.secret_access_key,
        "method": method,
        "arguments": {"CollectionId": NAME, **arguments},
        "calls": calls,
        "clients": clients,
        "warm_up": WARM_UP if calls > 1 else 0,
    }
    command = [str(SDK), "-I", str(Path(__file__).with_name("rekognition_client.py"))]
    before = server.cpu_seconds()
    done = subprocess.run(command, input=json.dumps(told), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer | {"cpu_seconds": server.cpu_seconds() - before, "made": calls + told["warm_up"] + 1}


def pictures(folder: Path) -> dict[str, Path]:
    """A portrait of half a megapixel, and a scene of 1.7 megapixels with many faces."""
    with Image.open(fetch(DEMO_PHOTO, models_dir()).path) as photo:
        portrait = photo.convert("RGB").crop(PORTRAIT).resize((640, 880))
        scene = photo.convert("RGB").crop(SCENE)
    made = {"portrait": portrait, "scene": scene}
    for name, image in made.items():
        image.save(folder / f"{name}.jpg", "JPEG", quality=92)
    return {f"{name} of {image.width}x{image.height}": folder / f"{name}.jpg" for name, image in made.items()}


def models_dir() -> Path:
    return Path(os.environ.get("FOTOFILA_MODELS_DIR") or default_models_dir())


async def fill(data: Path, faces: int) -> tuple[str, str]:
    """Make a key and a collection, and put faces into its tables; return the key."""
    context = make_context(load_settings(data_dir=data, models_dir=models_dir()))
    await prepare_database(context.db)
    async with context.db.write() as session:
        await ensure_default_workspace(session, now=context.clock.now(), detection="fast")
        made = await create_aws_key(
            session,
            keys=context.secret_keys,
            owner=DEFAULT_WORKSPACE,
            name="bench",
            scopes=["photos:read", "photos:write"],
            now=context.clock.now(),
        )
    collection = await desk.create_collection(context, DEFAULT_WORKSPACE, NAME, actor=OPERATOR)
    number = 0
    for block in people(faces):
        await add_block(context, collection, block.astype("<f2"), number)
        number += len(block)
    async with context.db.write() as session:
        values = {"face_count": faces, "revision": faces}
        await session.execute(update(CollectionRow).where(CollectionRow.id == collection.id).values(values))
    await context.close()
    return made.row.access_key_id, made.secret


async def add_block(context: Context, collection: CollectionInfo, vectors: Any, number: int) -> None:
    """Write faces and their vectors."""
    now = context.clock.now()
    ids = [id_of(number + at) for at in range(len(vectors))]
    shared = {"collection_id": collection.id, "model": collection.model}
    rows = [
        {"id": each, "owner": collection.owner, "image_id": each, "image_sha256": each * 2, **shared}
        | {"face": FACE, "indexed_at": now}
        for each in ids
    ]
    kept = [
        {"face_id": each, "revision": number + at + 1, "vector": vectors[at].tobytes(), **shared}
        for at, each in enumerate(ids)
    ]
    async with context.db.write() as session:
        await session.execute(insert(CollectionFace), rows)
        await session.execute(insert(FaceVector), kept)
