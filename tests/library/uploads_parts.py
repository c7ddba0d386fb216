"""What tests of uploads share."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator
from typing import Any

import httpx

from fotofila.testing.pictures import jpeg
from tests.library.conftest import House

TUS = "/api/uploads/tus/"
CHUNK = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}


def photo(size_bytes: int = 300_000, *, mark: bytes = b"") -> bytes:
    """Return a JPEG of a size; what follows its end belongs to it."""
    small = jpeg(comment=mark)
    return small + b"\0" * (size_bytes - len(small))


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def metadata(**values: str) -> str:
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in values.items())


async def staged(house: House, prefix: str = "staging/") -> list[str]:
    return [info.key async for info in house.context.storage.list(prefix)]


async def begin(house: House, content: bytes, **values: str) -> str:
    """Begin a resumable upload; returns its address."""
    headers = {"Tus-Resumable": "1.0.0", "Upload-Length": str(len(content))}
    if values:
        headers["Upload-Metadata"] = metadata(**values)
    answer = await house.client.post(TUS, headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.headers["Location"])


async def send(house: House, url: str, content: bytes, offset: int, **headers: str) -> httpx.Response:
    """Send the next bytes."""
    headers = {**CHUNK, "Upload-Offset": str(offset), **headers}
    return await house.client.patch(url, content=content, headers=headers)


async def offset_of(house: House, url: str) -> int:
    answer = await house.client.head(url, headers={"Tus-Resumable": "1.0.0"})
    assert answer.status_code == 200, answer.status_code
    return int(answer.headers["Upload-Offset"])


async def announce(house: House, content: bytes, **changes: Any) -> dict[str, Any]:
    """Begin a direct upload; returns its target."""
    body = {"filename": "a.jpg", "size_bytes": len(content), "checksum_sha256": sha256(content), **changes}
    answer = await house.client.post("/api/uploads", json=body)
    assert answer.status_code == 201, answer.text
    target: dict[str, Any] = answer.json()
    return target


async def put(target: dict[str, Any], content: bytes, house: House) -> httpx.Response:
    """Make the request that was signed, without credentials."""
    async with httpx.AsyncClient(transport=house.client._transport) as nobody:
        return await nobody.request(target["method"], target["url"], content=content, headers=target["headers"])


async def complete(house: House, upload_id: str) -> httpx.Response:
    return await house.client.post(f"/api/uploads/{upload_id}/complete")


async def photos(house: House) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await house.client.get("/api/photos")).json()["items"]
    return items


async def pieces(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk
