"""Large files on bad days: the sender killed, the server killed, the line cut; the photo comes in once, and whole."""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from fotofila.testing.pictures import jpeg
from fotofila.testing.servers.process import free_port
from tests.e2e.conftest import NOOP, Served, serving
from tests.e2e.processes import environment
from tests.e2e.proxy import Mode, Proxy, proxying

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

SIZE = 24 * 1024 * 1024
LOOK_SECONDS = 0.02
HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "upload-over-bad-networks.md"
LONG = 120


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """Return a photo of 24 MB; what follows its end belongs to it."""
    file = tmp_path / "large.jpg"
    small = jpeg()
    file.write_bytes(small + bytes(range(256)) * ((SIZE - len(small)) // 256))
    return file


@asynccontextmanager
async def far_away(folder: Path) -> AsyncIterator[tuple[Served, Proxy]]:
    """Serve behind a slow line."""
    async with (
        serving(folder, port=free_port(), **NOOP) as served,
        proxying(int(served.url.rsplit(":", 1)[1]), seed=1) as proxy,
    ):
        proxy.delay_seconds = 0.002
        proxy.turn(Mode.SLOW)
        yield served, proxy


async def start_sending(served: Served, proxy: Proxy, file: Path) -> asyncio.subprocess.Process:
    """Run `fotofila upload`."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "fotofila.cli", "upload", str(file), "--json"),
        *("--url", f"http://{proxy.address}", "--key", served.key),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


async def the_upload(served: Served) -> dict[str, Any]:
    """Return the one upload that was ever begun, or nothing."""
    async with served.client() as client:
        try:
            items = (await client.get("/api/uploads")).json()["items"]
        except httpx.TransportError:
            return {}
    assert len(items) <= 1, "what was begun is gone on with"
    return items[0] if items else {}


async def wait_until_here(served: Served, share: float) -> int:
    """Wait until a share of the file is durable."""
    async with asyncio.timeout(LONG):
        while (here := (await the_upload(served)).get("offset_bytes", 0)) < share * SIZE:  # noqa: ASYNC110
            await asyncio.sleep(LOOK_SECONDS)
    return int(here)


async def finished(sender: asyncio.subprocess.Process) -> dict[str, Any]:
    """Return what the sender told at its end."""
    async with asyncio.timeout(LONG):
        out, err = await sender.communicate()
    assert sender.returncode == 0, err.decode()
    told: dict[str, Any] = json.loads(out)
    return told


async def check_photo(served: Served, file: Path) -> None:
    """There is one photo, with every byte of the file, and nothing else is left."""
    async with served.client() as client:
        (photo,) = (await client.get("/api/photos")).json()["items"]
        image = await client.get(photo["links"]["image"])
    assert hashlib.sha256(image.content).digest() == hashlib.sha256(await asyncio.to_thread(file.read_bytes)).digest()
    upload = await the_upload(served)
    assert (upload["state"], upload["photo_id"]) == ("done", photo["id"])
    assert not list((served.data_dir / "objects").glob("staging/**/*-*"))


async def test_a_sender_that_was_killed_goes_on_in_its_next_run(tmp_path: Path, large: Path) -> None:
    async with far_away(tmp_path) as (served, proxy):
        proxy.most_bytes = 0.9 * SIZE
        sender = await start_sending(served, proxy, large)
        here = await wait_until_here(served, 0.4)
        sender.kill()
        await sender.wait()
        assert here < SIZE
        proxy.most_bytes = math.inf
        proxy.turn(Mode.PASS)
        told = await finished(await start_sending(served, proxy, large))
        assert [one["duplicate"] for one in told["photos"]] == [False]
        await check_photo(served, large)


async def test_a_server_that_is_killed_again_and_again_loses_no_byte_that_it_had(tmp_path: Path, large: Path) -> None:
    async with far_away(tmp_path) as (served, proxy):
        sender = await start_sending(served, proxy, large)
        for share in (0.3, 0.6):
            here = await wait_until_here(served, share)
            served.member.kill()
            served.member.start()
            await served.member.wait_ready()
            assert (await the_upload(served))["offset_bytes"] >= here
        await finished(sender)
        await check_photo(served, large)


async def test_a_line_that_is_cut_again_and_again_gets_it_there(tmp_path: Path, large: Path) -> None:
    async with far_away(tmp_path) as (served, proxy):
        proxy.cut_bytes = 8_000_000
        proxy.turn(Mode.CUT)
        await finished(await start_sending(served, proxy, large))
        assert proxy.broken[Mode.CUT] >= 3
        await check_photo(served, large)


async def test_the_commands_of_the_how_to_do_what_it_says(served: Served, tmp_path: Path) -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```$", HOW_TO.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    by_tus, direct = (next(block for block in blocks if word in block) for word in ("AUTH=", "sha256sum"))

    async def run(commands: str) -> str:
        (tmp_path / "photo.jpg").write_bytes(jpeg())
        shell = await asyncio.create_subprocess_exec(
            *("sh", "-euc", commands.replace("http://127.0.0.1:8000", served.url)),
            cwd=tmp_path,
            env={**environment(), "FOTOFILA_KEY": served.key},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        out, _ = await shell.communicate()
        return out.decode()

    assert "fotofila-photo-id:" in (await run(by_tus)).lower()
    target = json.loads(await run(direct))
    content = await asyncio.to_thread((tmp_path / "photo.jpg").read_bytes)
    async with served.client() as client:
        async with httpx.AsyncClient() as nobody:
            sent = await nobody.request(target["method"], target["url"], headers=target["headers"], content=content)
        assert sent.status_code == 204, sent.text
        assert (await client.post(f"/api/uploads/{target['id']}/complete")).status_code == 202
