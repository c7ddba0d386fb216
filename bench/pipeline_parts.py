"""The parts that a run stands on (database, queue, storage, Redis for the peers), as real servers, by name."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench.pipeline_rows import PostgresRows, Rows, SqliteRows
from fotofila.testing.servers import NatsServer, PostgresServer, RedisServer, S3Server, Server, SqsServer

DATABASES = ("sqlite", "postgres")
QUEUES = ("sqlite", "nats", "sqs")
STORAGES = ("file", "s3")


@dataclass(slots=True, kw_only=True)
class Parts:
    """What was started, and how it is named to the program."""

    folder: Path
    env: dict[str, str] = field(default_factory=dict)
    servers: dict[str, Server] = field(default_factory=dict)

    def rows(self) -> Rows:
        """Return a way to look at our tables that costs the program nothing."""
        if url := self.env.get("FOTOFILA_DATABASE_URL"):
            return PostgresRows(url)
        return SqliteRows(self.folder / "fotofila.db")


@contextlib.contextmanager
def parts(folder: Path, *, queue: str, db: str, storage: str) -> Iterator[Parts]:
    """Start what these names need; `sqlite` and `file` need nothing."""
    made = Parts(folder=folder)
    with contextlib.ExitStack() as stack:
        if db == "postgres":
            server = stack.enter_context(PostgresServer(folder / "postgres"))
            server.psql("CREATE DATABASE bench")
            made.servers["postgres"] = server
            made.env["FOTOFILA_DATABASE_URL"] = server.database("bench")
        if queue == "nats":
            nats = stack.enter_context(NatsServer(folder / "nats"))
            made.servers["nats"] = nats
            made.env["FOTOFILA_QUEUE_URL"] = nats.url
        if queue == "sqs":
            sqs = stack.enter_context(SqsServer(folder / "sqs"))
            made.servers["sqs"] = sqs
            made.env |= aws_keys("bench", "bench")
            made.env |= {"FOTOFILA_QUEUE_URL": "sqs://us-east-1", "FOTOFILA_QUEUE_ENDPOINT": sqs.url}
        if storage == "s3":
            s3 = stack.enter_context(S3Server(folder / "s3"))
            made.servers["s3"] = s3
            made.env |= s3_env(s3)
        yield made


def aws_keys(access: str, secret: str) -> dict[str, str]:
    """Name keys as every AWS client reads them."""
    return {"AWS_ACCESS_KEY_ID": access, "AWS_SECRET_ACCESS_KEY": secret, "AWS_REGION": "us-east-1"}


def s3_env(s3: S3Server) -> dict[str, str]:
    """Name the S3 server to the program."""
    return {
        **aws_keys(s3.access_key, s3.secret_key),
        "FOTOFILA_STORAGE_URL": f"{s3.url}/fotofila",
        "FOTOFILA_STORAGE_ENDPOINT": s3.endpoint,
    }


@contextlib.contextmanager
def peer_parts(folder: Path) -> Iterator[Parts]:
    """Start what the peers stand on: PostgreSQL, S3 and Redis."""
    made = Parts(folder=folder)
    with contextlib.ExitStack() as stack:
        postgres = stack.enter_context(PostgresServer(folder / "postgres"))
        s3 = stack.enter_context(S3Server(folder / "s3"))
        redis = stack.enter_context(RedisServer(folder / "redis"))
        made.servers = {"postgres": postgres, "s3": s3, "redis": redis}
        made.env = {
            **aws_keys(s3.access_key, s3.secret_key),
            "PEER_DATABASE": postgres.url,
            "PEER_BUCKET": s3.url,
            "PEER_ENDPOINT": s3.endpoint,
            "PEER_BROKER": redis.url,
        }
        yield made
