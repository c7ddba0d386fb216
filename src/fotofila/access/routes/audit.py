"""The audit log of the workspace."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime

from fotofila.access.audit import actor_of, record
from fotofila.access.audit_export import Filter, chain_lines, csv_lines, json_lines, newest, shown
from fotofila.access.audit_schemas import AuditEntryOut
from fotofila.access.receipts import signing_keys
from fotofila.api.deps import SECURITY, Admin, ContextDep, ReadSession
from fotofila.api.paging import Cursor, Limit, Page, make_cursor, read_cursor

router = APIRouter(prefix="/api/audit", tags=["audit"], dependencies=[*SECURITY])

Text = Annotated[str | None, Query(max_length=255, pattern=r"^[^\x00]*$")]


class AuditFormat(StrEnum):
    """Form of an export."""

    CSV = "csv"
    JSONL = "jsonl"
    CHAIN = "chain"


async def filters(
    principal: Admin,
    action: Annotated[
        Text, Query(description="`faces.search`, or `faces` for all that begins so.", examples=["faces.search"])
    ] = None,
    subject: Annotated[Text, Query(description="Name of the collection, or id of what it was done to.")] = None,
    actor_id: Annotated[Text, Query(description="Id of the key or user that did it.")] = None,
    start: Annotated[AwareDatetime | None, Query(alias="from", description="The first moment.")] = None,
    end: Annotated[AwareDatetime | None, Query(alias="to", description="The moment after the last.")] = None,
) -> Filter:
    """Read the filters; only the workspace's own entries are seen."""
    return Filter(owner=principal.owner, action=action, subject=subject, actor_id=actor_id, start=start, end=end)


Wanted = Annotated[Filter, Depends(filters)]


@router.get("", operation_id="list_audit", summary="Who did what to which face")
async def list_audit(
    session: ReadSession, wanted: Wanted, limit: Limit = 50, cursor: Cursor = None
) -> Page[AuditEntryOut]:
    """Return entries, newest first; one that was just made is there within seconds."""
    before = int(read_cursor(cursor, int)[0]) if cursor is not None else None
    rows = await newest(session, wanted, limit=limit + 1, before=before)
    return Page(
        items=[AuditEntryOut.model_validate(shown(row)) for row in rows[:limit]],
        next_cursor=make_cursor(rows[limit - 1].sequence) if len(rows) > limit else None,
    )


@router.get("/export", operation_id="export_audit", summary="The audit log as a file", response_class=StreamingResponse)
async def export_audit(
    context: ContextDep,
    principal: Admin,
    wanted: Wanted,
    format: AuditFormat = AuditFormat.JSONL,  # noqa: A002 - its name on the wire
) -> StreamingResponse:
    """Stream entries, oldest first, as CSV or JSON lines with the filters of the list.

    `chain` leaves the filters aside and gives what `fotofila audit verify --file` follows from the first entry on:
    yours, digests in place of those of other workspaces, and the signed checkpoints.
    """
    async with context.db.write() as session:
        await record(
            session,
            owner=principal.owner,
            actor=actor_of(principal),
            action="audit.export",
            subject=None,
            detail={"format": format.value},
            now=context.clock.now(),
        )
    lines = {
        AuditFormat.CSV: lambda: csv_lines(context.db, wanted),
        AuditFormat.JSONL: lambda: json_lines(context.db, wanted),
        AuditFormat.CHAIN: lambda: chain_lines(context.db, signing_keys(context), owner=principal.owner),
    }[format]()
    is_csv = format is AuditFormat.CSV
    name = "audit.csv" if is_csv else "audit.jsonl"
    return StreamingResponse(
        lines,
        media_type="text/csv; charset=utf-8" if is_csv else "application/jsonl",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
