"""`served`: a real `fotofila serve` with workers beside it, on a free port and an empty data folder.

A test that wants settings of its own uses `serving(folder, name=value, …)`.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from fotofila.access.keys import create_key
from fotofila.access.scopes import SCOPES
from fotofila.access.workspaces import ensure_default_workspace
from fotofila.bootstrap import load_capabilities, make_database
from fotofila.core.capability import load
from fotofila.core.clock import SystemClock
from fotofila.core.config import load_settings
from fotofila.core.db.migrate import prepare_database
from fotofila.core.inference.store import list_files
from tests.e2e.processes import Member, environment, members

NOOP: dict[str, Any] = {"capabilities": "library,access,notify,noop", "ingest_kind": "noop"}


Tell = Callable[[str], None]


@pytest.fixture
def tell(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Tell:
    """Print past pytest: a run that fails must be repeatable, and the figures of one that passes are its proof.

    To standard error: what workers of pytest-xdist print to standard output is thrown away.
    """

    def tell(line: str) -> None:
        with capsys.disabled():
            print(f"\n{request.node.name}: {line}", file=sys.stderr, flush=True)  # noqa: T201

    return tell


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A running server."""

    url: str
    key: str
    data_dir: Path
    member: Member

    @property
    def headers(self) -> dict[str, str]:
        """What authorises a request."""
        return {"Authorization": f"Bearer {self.key}"}

    def client(self) -> httpx.AsyncClient:
        """Return a client that is signed in."""
        return httpx.AsyncClient(base_url=self.url, headers=self.headers, timeout=30)


async def make_key(data_dir: Path, **settings: object) -> str:
    """Make an API key that may do everything, as `fotofila keys create` does."""
    database = make_database(load_settings(data_dir=data_dir, **settings))
    await prepare_database(database)
    now = SystemClock().now()
    async with database.write() as session:
        first = await ensure_default_workspace(session, now=now, detection="fast")
        made = await create_key(session, owner=first.workspace.id, name="test", scopes=SCOPES, now=now)
    await database.close()
    return made.secret


@asynccontextmanager
async def serving(
    folder: Path, *, arguments: tuple[str, ...] = ("serve",), **settings: object
) -> AsyncIterator[Served]:
    """Run `fotofila serve` for a block."""
    data_dir = folder / "data"
    data_dir.mkdir(parents=True, exist_ok=True)
    key = await make_key(data_dir)
    chosen = {"data_dir": data_dir, "port": 0, "log_level": "info", "rate_limit": "100000/minute", **settings}
    member = Member(
        name="serve",
        arguments=arguments,
        ready_when='"api.listening"',
        environment=environment(**chosen),
        log=folder / "serve.log",
    )
    with members(member):
        await member.wait_ready()
        yield Served(url=str(member.event("api.listening")["url"]), key=key, data_dir=data_dir, member=member)
        assert await member.terminate() == 0, member.said[-3000:]


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Run one server for the whole session: with faces where the models are, else with a job that does nothing."""
    with asyncio.Runner() as runner:
        context = serving(tmp_path_factory.mktemp("served"), **({} if faces_can_run() else NOOP))
        yield runner.run(context.__aenter__())
        runner.run(context.__aexit__(None, None, None))


def faces_can_run() -> bool:
    """Say whether every model is where a worker will look for it."""
    settings = load_settings()
    (faces,) = load_capabilities(["faces"])
    try:
        specs = load(str(faces.specs))
    except ImportError:
        return False
    return all(file.state == "ready" for file in list_files(specs, settings.models_dir))
