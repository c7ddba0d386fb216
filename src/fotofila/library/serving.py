"""Serving objects over HTTP: a link where the storage signs, else ETag, conditions and single ranges (RFC 9110)."""

from __future__ import annotations

import re
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse

from fotofila.core.capability import Context
from fotofila.core.storage import ObjectInfo, SigningStorage, Storage

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


async def serve_object(context: Context, request: Request, *, key: str, media_type: str, filename: str) -> Response:
    """Answer with a link to an object where the storage signs, else with its bytes.

    Clients take `X-API-Key` along to wherever they are sent, other than `Authorization` and cookies: who shows a key so
    is sent nowhere.
    """
    storage = context.storage
    if isinstance(storage, SigningStorage) and "x-api-key" not in request.headers:
        return await send_away(
            storage,
            request,
            key=key,
            media_type=media_type,
            filename=filename,
            seconds=context.settings.storage_link_seconds,
        )
    return await send_bytes(storage, request, key=key, media_type=media_type, filename=filename)


async def send_away(
    storage: SigningStorage, request: Request, *, key: str, media_type: str, filename: str, seconds: int
) -> Response:
    """Answer with a signed link, which a browser keeps for half its life.

    `<a download>` saves what comes from another host only where that host says `attachment`; a picture in a page is
    shown either way.
    """
    kind = "inline" if request.headers.get("sec-fetch-dest") == "image" else "attachment"
    url = await storage.sign_get(
        key, seconds=seconds, media_type=media_type, disposition=disposition_of(filename, kind=kind)
    )
    headers = {"Cache-Control": f"private, max-age={seconds // 2}", "Vary": "Sec-Fetch-Dest"}
    return RedirectResponse(url, status_code=307, headers=headers)


async def send_bytes(storage: Storage, request: Request, *, key: str, media_type: str, filename: str) -> Response:
    """Answer with an object, or the range of it that was asked for."""
    info = await storage.head(key)
    headers = headers_of(info, filename)
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    wanted = request.headers.get("range")
    if wanted is not None and request.headers.get("if-range", headers["ETag"]) == headers["ETag"]:
        span = read_range(wanted, info.size_bytes)
        if span == (0, 0):
            return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{info.size_bytes}"})
        if span is not None:
            start, end = span
            headers |= {
                "Content-Range": f"bytes {start}-{end - 1}/{info.size_bytes}",
                "Content-Length": str(end - start),
            }
            body = storage.get_range(key, start=start, end=end)
            return StreamingResponse(body, status_code=206, media_type=media_type, headers=headers)
    headers["Content-Length"] = str(info.size_bytes)
    return StreamingResponse(storage.get_range(key), media_type=media_type, headers=headers)


def headers_of(info: ObjectInfo, filename: str) -> dict[str, str]:
    """Return the headers of an object; objects never change, so their key is their tag."""
    tag = "-".join(info.key.split("/")[2:])
    return {
        "ETag": f'"{tag}-{info.size_bytes}"',
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, max-age=3600",
        "Content-Disposition": disposition_of(filename, kind="inline"),
    }


def disposition_of(filename: str, *, kind: str) -> str:
    """Return a `Content-Disposition` (RFC 6266) with a name in any script."""
    return f"{kind}; filename*=UTF-8''{quote(filename, safe='')}"


def read_range(header: str, size: int) -> tuple[int, int] | None:
    """Read a single range as (start, end), end not included; (0, 0) cannot be satisfied, None is to be ignored."""
    match = _RANGE.fullmatch(header.strip())
    if match is None or match.group(1) == match.group(2) == "":
        return None
    first, last = match.group(1)[:18], match.group(2)[:18]
    if first == "":
        length = min(int(last), size)
        return (size - length, size) if length else (0, 0)
    start = int(first)
    end = min(int(last) + 1, size) if last else size
    if start >= size:
        return (0, 0)
    return (start, end) if start < end else None
