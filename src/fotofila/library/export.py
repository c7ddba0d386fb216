"""The history as CSV and JSON, streamed page by page; no transaction is open while a client reads."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator

from fotofila.core.capability import Context
from fotofila.library.history import HistoryFilter, Row, history_page
from fotofila.library.schemas import PhotoOut
from fotofila.library.views import photo_out

PAGE = 500
COLUMNS = (
    "id",
    "filename",
    "state",
    "created_at",
    "taken_at",
    "width",
    "height",
    "face_count",
    "camera_make",
    "camera_model",
    "latitude",
    "longitude",
    "size_bytes",
    "checksum_sha256",
    "error_code",
    "error_sentence",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""First characters that make a spreadsheet run a cell (OWASP, CSV injection)."""


async def rows(context: Context, owner: str, wanted: HistoryFilter) -> AsyncIterator[list[Row]]:
    """Give the history, a page at a time."""
    cursor: str | None = None
    while True:
        async with context.db.read() as session:
            page, cursor = await history_page(session, owner, wanted, limit=PAGE, cursor=cursor)
        yield list(page)
        if cursor is None:
            return


async def export_csv(context: Context, owner: str, wanted: HistoryFilter) -> AsyncIterator[str]:
    """Give the history as CSV (RFC 4180) with a header."""
    yield csv_line(COLUMNS)
    async for page in rows(context, owner, wanted):
        for photo, job in page:
            yield csv_line(cells(photo_out(photo, job)))


async def export_json(context: Context, owner: str, wanted: HistoryFilter) -> AsyncIterator[str]:
    """Give the history as one JSON array of photos."""
    before = "["
    async for page in rows(context, owner, wanted):
        for photo, job in page:
            yield before + photo_out(photo, job).model_dump_json()
            before = ",\n"
    yield "[]" if before == "[" else "]\n"


def cells(photo: PhotoOut) -> tuple[object, ...]:
    """Return the cells of one photo, in the order of `COLUMNS`."""
    camera, gps = photo.camera, photo.gps
    error = photo.job.error if photo.job else None
    return (
        photo.id,
        photo.filename,
        photo.job.state.value if photo.job else "",
        photo.created_at.isoformat(),
        photo.taken_at,
        photo.width,
        photo.height,
        photo.face_count,
        camera.make if camera else None,
        camera.model if camera else None,
        gps.latitude if gps else None,
        gps.longitude if gps else None,
        photo.size_bytes,
        photo.checksum_sha256,
        error.code if error else None,
        error.sentence if error else None,
    )


def csv_line(values: tuple[object, ...]) -> str:
    """Write a line; text that a spreadsheet would run as a formula is quoted with an apostrophe."""
    line = io.StringIO()
    csv.writer(line).writerow(
        [f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value for value in values]
    )
    return line.getvalue()
