"""Writing down what the door has stored: with others that come at the same time, or alone where there is more to it.

Known bytes, quotas, batches that are none: whatever `INTAKE` leaves out, `add_photo` answers in a transaction of its
own, which holds up nobody else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import orjson

from fotofila.core.capability import Context, Principal, Search
from fotofila.core.db.together import Row
from fotofila.core.ids import new_id
from fotofila.core.jobs.messages import ProcessMessage
from fotofila.core.jobs.service import NewJob
from fotofila.core.observability.metrics import BYTES_ACCEPTED, PHOTOS_ACCEPTED
from fotofila.library.add import add_photo, has_quota, settle_job, source_of
from fotofila.library.ingest import Received
from fotofila.library.intake_sql import INTAKE
from fotofila.library.schemas import Upload
from fotofila.library.views import upload_out, written_fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """An upload whose photo is new, as it was written: shaped without models, which took as long as the writing."""

    row: Row
    duplicate: bool = False

    def json(self) -> bytes:
        """Write the answer."""
        return orjson.dumps(written_fields(self.row), option=orjson.OPT_UTC_Z)

    def upload(self) -> Upload:
        """Return the same as any other upload."""
        return Upload.model_validate(written_fields(self.row))


async def take_in(
    context: Context,
    principal: Principal,
    received: Received,
    *,
    batch_id: str | None,
    search: Search | None = None,
) -> Upload | Written:
    """Make a photo with its job; when it returns, both are durable.

    Raises:
        QuotaExceededError, NotFoundError: as `add_photo`.
        DatabaseUnavailableError: nobody knows whether they were written.
    """
    if not has_quota(principal):
        async with context.db.read() as session:
            source = source_of(received)
            new = await settle_job(
                session, context, principal.owner, source, batch_id=batch_id, job_id=new_id(), search=search
            )
        row = row_of(received, new, at=context.clock.now())
        if await context.db.gather(INTAKE, row):
            PHOTOS_ACCEPTED.labels(received.media_type).inc()
            BYTES_ACCEPTED.inc(received.size_bytes)
            return Written(row=row)
    added = await context.db.transact(
        lambda session: add_photo(session, context, principal, received, batch_id=batch_id, search=search)
    )
    return upload_out(added.photo, added.job, duplicate=added.duplicate)


def row_of(received: Received, new: NewJob, *, at: datetime) -> Row:
    """Shape all that is written of a photo."""
    message = ProcessMessage(
        id=f"{new.id}-1-1-1",
        kind=new.kind,
        kind_version=new.kind_version,
        job_id=new.id,
        owner=new.owner,
        round=1,
        attempt=1,
        dispatch=1,
        traceparent=new.traceparent,
        created_at=at,
        lane=new.lane,
        max_attempts=new.max_attempts,
        args=new.args,
        source=new.source,
    )
    return {
        "id": received.photo_id,
        "owner": new.owner,
        "filename": received.filename,
        "media_type": received.media_type,
        "size_bytes": received.size_bytes,
        "checksum_sha256": received.checksum_sha256,
        "original_key": received.key,
        "batch_id": new.batch_id,
        "job_id": new.id,
        "at": at,
        "kind": new.kind,
        "kind_version": new.kind_version,
        "lane": new.lane,
        "args": new.args,
        "source": new.source.model_dump() if new.source else None,
        "max_attempts": new.max_attempts,
        "traceparent": new.traceparent,
        "message": message.dump().decode(),
        "dedup_id": message.id,
    }
