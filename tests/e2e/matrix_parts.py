"""On which queue, storage and database a fleet runs, and the hand that each of them can be broken with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fotofila.bootstrap import make_database
from fotofila.core.config import load_settings
from fotofila.core.db.migrate import upgrade
from fotofila.testing.servers import NatsServer, PostgresServer, S3Server, Server
from tests.e2e.proxy import Proxy, proxying

REFUSING = "postgresql://nobody@127.0.0.1:1/none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A server, and the network before it."""

    server: Server
    proxy: Proxy


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Settings for those who serve, for workers, and for the test, which looks past every proxy."""

    serving: dict[str, Any]
    working: dict[str, Any]
    looking: dict[str, Any]
    breakable: dict[str, Part] = field(default_factory=dict)


@asynccontextmanager
async def embedded(folder: Path, *, seed: int) -> AsyncIterator[Parts]:
    """SQLite for both, and a folder; workers are told where these are and nothing else."""
    del seed
    data, elsewhere = folder / "data", folder / "worker"
    data.mkdir()
    queue, objects = f"sqlite:///{data / 'queue.db'}", f"file://{data / 'objects'}"
    yield Parts(
        serving={"data_dir": data},
        working={"data_dir": elsewhere, "queue_url": queue, "storage_url": objects},
        looking={"data_dir": data},
    )
    assert not list(elsewhere.glob("*.db")), "a worker made a database of its own"


@asynccontextmanager
async def servers(folder: Path, *, seed: int) -> AsyncIterator[Parts]:
    """PostgreSQL, NATS and S3, each behind a proxy; the database that workers are told of refuses them."""
    async with AsyncExitStack() as stack:
        database = stack.enter_context(PostgresServer(folder / "postgres"))
        queue = stack.enter_context(NatsServer(folder / "nats"))
        storage = stack.enter_context(S3Server(folder / "s3"))
        breakable = {
            name: Part(server=server, proxy=await stack.enter_async_context(proxying(server.port, seed=seed)))
            for name, server in {"database": database, "queue": queue, "storage": storage}.items()
        }
        keys = {"storage_access_key_id": storage.access_key, "storage_secret_access_key": storage.secret_key}
        straight = {
            "database_url": database.url,
            "queue_url": queue.url,
            "storage_url": storage.url,
            "storage_endpoint": storage.endpoint,
            **keys,
        }
        by_proxy = {
            "queue_url": f"nats://{breakable['queue'].proxy.address}",
            "storage_url": storage.url,
            "storage_endpoint": f"http://{breakable['storage'].proxy.address}",
            **keys,
        }
        await migrate(straight)
        address = f"postgresql://postgres@{breakable['database'].proxy.address}/postgres"
        yield Parts(
            serving={"data_dir": folder / "data", "database_url": address, **by_proxy},
            working={"data_dir": folder / "worker", "database_url": REFUSING, **by_proxy},
            looking={"data_dir": folder / "data", **straight},
            breakable=breakable,
        )


async def migrate(settings: dict[str, Any]) -> None:
    """Make the schema, as `fotofila migrate` does."""
    database = make_database(load_settings(**settings))
    await upgrade(database)
    await database.close()
