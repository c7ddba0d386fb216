"""Backlogs, written straight into the database, as a thousand uploads would leave it."""

from __future__ import annotations

import hashlib

from fotofila.core.capability import Context, Principal
from fotofila.core.ids import new_id
from fotofila.core.jobs.models import Batch
from fotofila.library.add import add_photo
from fotofila.library.ingest import Received
from fotofila.testing.pictures import jpeg

ROWS = 500


async def pour(
    context: Context, owner: str, count: int, *, order: bytes = b"", stored: bool = True, bulk: bool = False
) -> None:
    """Add photos with their jobs; without `stored` there are no originals, for jobs that nobody will work on."""
    principal = Principal(owner=owner, scopes=frozenset())
    batch_id = new_id() if bulk else None
    async with context.db.write() as session:
        if batch_id:
            session.add(Batch(id=batch_id, owner=owner, created_at=context.clock.now()))
    for start in range(0, count, ROWS):
        received = [await receive(context, owner, order, stored=stored) for _ in range(min(ROWS, count - start))]
        async with context.db.write() as session:
            for one in received:
                await add_photo(session, context, principal, one, batch_id=batch_id)


async def receive(context: Context, owner: str, order: bytes, *, stored: bool) -> Received:
    """Make an original."""
    photo_id = new_id()
    body = jpeg(comment=order) + photo_id.encode() if stored else photo_id.encode()
    key = f"originals/{owner}/{photo_id}"
    if stored:
        await context.storage.put(key, body)
    return Received(
        photo_id=photo_id,
        key=key,
        filename="a.jpg",
        media_type="image/jpeg",
        size_bytes=len(body),
        checksum_sha256=hashlib.sha256(body).hexdigest(),
    )
