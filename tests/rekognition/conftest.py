from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fotofila.access.aws_keys import create_aws_key
from fotofila.access.workspaces import ensure_default_workspace
from fotofila.bootstrap import make_context
from fotofila.core.capability import Context
from fotofila.core.config import load_settings
from fotofila.core.db.migrate import prepare_database
from fotofila.testing.servers.process import free_port
from tests.e2e.processes import Member, environment, members
from tests.faces.conftest import models_dir, solvay
from tests.rekognition.clients import Sdk, Target, newest_boto3

__all__ = ["models_dir", "solvay"]

CAPABILITIES = "library,access,notify,faces,rekognition"
ONE = (0.7573, 0.4849, 0.0296, 0.0527)
TWO = (0.5314, 0.3901, 0.0250, 0.0461)
"""Left, top, width and height of two faces of the demo photo."""
SCOPES = ("photos:read", "photos:write")


async def make_target(context: Context, *scopes: str, url: str = "", owner: str = "") -> Target:
    """Make an access key."""
    async with context.db.write() as session:
        first = await ensure_default_workspace(session, now=context.clock.now(), detection="fast")
        made = await create_aws_key(
            session,
            keys=context.secret_keys,
            owner=owner or first.workspace.id,
            name="test",
            scopes=scopes or SCOPES,
            now=context.clock.now(),
        )
    return Target(url=url, access_key_id=made.row.access_key_id, secret_access_key=made.secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A running server: the port of its own, the path beside everything else, and keys of little reach."""

    target: Target
    beside: Target
    reader: Target
    powerless: Target
    bucket: Path
    data_dir: Path


@asynccontextmanager
async def serving(folder: Path, models: Path) -> AsyncIterator[Served]:
    """Run `fotofila serve` for a block, with nothing but the API."""
    data_dir, bucket, port = folder / "data", folder / "bucket", free_port()
    data_dir.mkdir()
    bucket.mkdir()
    context = make_context(load_settings(data_dir=data_dir))
    await prepare_database(context.db)
    url = f"http://127.0.0.1:{port}"
    target = await make_target(context, url=url)
    reader = await make_target(context, "photos:read", url=url)
    powerless = await make_target(context, "failures", url=url)
    await context.close()
    member = Member(
        name="serve",
        arguments=("serve", "--roles", "api"),
        ready_when='"api.listening"',
        environment=environment(
            data_dir=data_dir,
            models_dir=models,
            port=0,
            rekognition_port=port,
            rekognition_buckets=f"photos=file://{bucket}",
            rate_limit="100000/minute",
            workers=1,
        ),
        log=folder / "serve.log",
    )
    with members(member):
        await member.wait_ready()
        beside = Target(
            url=f"{member.event('api.listening')['url']}/rekognition",
            access_key_id=target.access_key_id,
            secret_access_key=target.secret_access_key,
        )
        yield Served(target=target, beside=beside, reader=reader, powerless=powerless, bucket=bucket, data_dir=data_dir)
        assert await member.terminate() == 0, member.said[-3000:]


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory, models_dir: Path) -> Iterator[Served]:
    with asyncio.Runner() as runner:
        context = serving(tmp_path_factory.mktemp("rekognition"), models_dir)
        yield runner.run(context.__aenter__())
        runner.run(context.__aexit__(None, None, None))


@pytest.fixture(scope="session")
def sdk() -> Iterator[Sdk]:
    with newest_boto3() as running:
        yield running


@dataclass(frozen=True, slots=True, kw_only=True)
class Portraits:
    """JPEGs of people of the demo photo: `first` and `again` show one of them, `other` shows another, `group` many."""

    first: bytes
    again: bytes
    other: bytes
    group: bytes
    nobody: bytes


def jpeg(pixels: NDArray[np.uint8] | Image.Image, *, quality: int = 92) -> bytes:
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()


def portrait(photo: NDArray[np.uint8], box: Sequence[float], *, margin: float = 0.5) -> Image.Image:
    """Cut a face out of a photo, with its surroundings, and make it 400 pixels wide."""
    height, width = photo.shape[:2]
    left, top, wide, high = box[0] * width, box[1] * height, box[2] * width, box[3] * height
    cut = (left - margin * wide, top - margin * high, left + (1 + margin) * wide, top + (1 + margin) * high)
    image = Image.fromarray(photo).crop(tuple(round(side) for side in cut))
    return image.resize((400, round(400 * image.height / image.width)))


@pytest.fixture(scope="session")
def portraits(solvay: NDArray[np.uint8]) -> Portraits:
    height, width = solvay.shape[:2]
    first, other = portrait(solvay, ONE), portrait(solvay, TWO)
    group = Image.fromarray(solvay[round(0.45 * height) : round(0.65 * height), : width // 2])
    return Portraits(
        first=jpeg(first),
        again=jpeg(first.resize((360, round(360 * first.height / first.width))), quality=70),
        other=jpeg(other),
        group=jpeg(group),
        nobody=jpeg(Image.new("RGB", (200, 150), (90, 120, 150))),
    )
