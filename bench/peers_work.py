"""The peers' task: fetch the photo into a file, store a small object, write the row."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import asyncpg
import obstore
from obstore.store import S3Store

UPDATE = "UPDATE peer_photos SET state = 'done', result = $2, finished_at = $3 WHERE id = $1"


def open_store() -> S3Store:
    """Open the bucket, with the client that Fotofila uses too."""
    return S3Store.from_url(
        os.environ["PEER_BUCKET"],
        endpoint=os.environ["PEER_ENDPOINT"],
        region=os.environ["AWS_REGION"],
        access_key_id=os.environ["AWS_ACCESS_KEY_ID"],
        secret_access_key=os.environ["AWS_SECRET_ACCESS_KEY"],
        virtual_hosted_style_request=False,
        client_options={"allow_http": True},
    )


@lru_cache(maxsize=1)
def parts() -> tuple[asyncio.AbstractEventLoop, asyncpg.Connection, S3Store]:
    """Return the connections of this process, opened once."""
    loop = asyncio.new_event_loop()
    return loop, loop.run_until_complete(asyncpg.connect(os.environ["PEER_DATABASE"])), open_store()


def work(photo_id: str, key: str) -> None:
    """Do the task."""
    loop, connection, store = parts()
    with tempfile.TemporaryDirectory() as folder:
        original = Path(folder) / "original"
        original.write_bytes(obstore.get(store, key).bytes())
        result = {"bytes": original.stat().st_size}
        obstore.put(store, f"renditions/{photo_id}/noop.txt", b"done")
    loop.run_until_complete(connection.execute(UPDATE, photo_id, json.dumps(result), datetime.now(UTC)))
