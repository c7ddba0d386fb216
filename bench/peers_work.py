"""The peers' task: fetch the photo into a file, store a small object, write the row.

PEER_CLIENTS names the S3 client: `botocore`, which is below boto3 and what users of either take, or `obstore`, which
Fotofila uses too and which costs a third of it. The driver of PostgreSQL is asyncpg, bare, the cheapest there is.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import asyncpg
import botocore.session
import obstore
from botocore.config import Config
from obstore.store import S3Store

UPDATE = "UPDATE peer_photos SET state = 'done', result = $2, finished_at = $3 WHERE id = $1"


class Store(Protocol):
    """What the peers do with a bucket."""

    def put(self, key: str, body: bytes) -> None:
        """Write an object."""
        ...

    def get(self, key: str) -> bytes:
        """Read an object."""
        ...


class Obstore:
    """The client that Fotofila uses."""

    def __init__(self) -> None:
        self.store = S3Store.from_url(
            os.environ["PEER_BUCKET"],
            endpoint=os.environ["PEER_ENDPOINT"],
            region=os.environ["AWS_REGION"],
            access_key_id=os.environ["AWS_ACCESS_KEY_ID"],
            secret_access_key=os.environ["AWS_SECRET_ACCESS_KEY"],
            virtual_hosted_style_request=False,
            client_options={"allow_http": True},
        )

    def put(self, key: str, body: bytes) -> None:
        """Write an object."""
        obstore.put(self.store, key, body)

    def get(self, key: str) -> bytes:
        """Read an object."""
        return bytes(obstore.get(self.store, key).bytes())


class Botocore:
    """The client below boto3."""

    def __init__(self) -> None:
        self.bucket = os.environ["PEER_BUCKET"].removeprefix("s3://")
        self.client: Any = botocore.session.get_session().create_client(
            "s3",
            endpoint_url=os.environ["PEER_ENDPOINT"],
            region_name=os.environ["AWS_REGION"],
            config=Config(s3={"addressing_style": "path"}),
        )

    def put(self, key: str, body: bytes) -> None:
        """Write an object."""
        self.client.put_object(Bucket=self.bucket, Key=key, Body=body)

    def get(self, key: str) -> bytes:
        """Read an object."""
        return bytes(self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read())


def open_store() -> Store:
    """Open the bucket."""
    return Obstore() if os.environ["PEER_CLIENTS"] == "obstore" else Botocore()


@lru_cache(maxsize=1)
def parts() -> tuple[asyncio.AbstractEventLoop, asyncpg.Connection, Store]:
    """Return the connections of this process, opened once."""
    loop = asyncio.new_event_loop()
    return loop, loop.run_until_complete(asyncpg.connect(os.environ["PEER_DATABASE"])), open_store()


def work(photo_id: str, key: str) -> None:
    """Do the task."""
    loop, connection, store = parts()
    with tempfile.TemporaryDirectory() as folder:
        original = Path(folder) / "original"
        original.write_bytes(store.get(key))
        result = {"bytes": original.stat().st_size}
        store.put(f"renditions/{photo_id}/noop.txt", b"done")
    loop.run_until_complete(connection.execute(UPDATE, photo_id, json.dumps(result), datetime.now(UTC)))
