"""Large files, by the tus protocol: what has arrived of one is not sent again, in this run or in the next.

Nothing is kept here. What was begun is found on the server by the file's checksum, from this machine or another.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from fotofila.cli.pictures import Picture
from fotofila.cli.upload.server import RefusedError, Sent, Server, Span, settled

RESUMABLE_BYTES = 8 * 1024 * 1024
"""Files of this size and more are sent so; smaller ones are quicker sent again than looked after."""
PIECE_BYTES = 8 * 1024 * 1024
"""One request: what is lost at most where a proxy hands on whole requests only."""
TUS = {"Tus-Resumable": "1.0.0"}
TUS_PATH = "/api/uploads/tus/"
PIECE = {**TUS, "Content-Type": "application/offset+octet-stream"}
BEGINNINGS = 3
"""How often an upload may vanish under our hands: expired, or ended by somebody."""
ELSEWHERE = frozenset({HTTPStatus.CONFLICT, HTTPStatus.REQUEST_TIMEOUT})
"""The server knows better where the upload is: somebody else sends the same file, or nothing came for long."""
VANISHED = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})


async def send_resumable(
    server: Server, picture: Picture, checksum: str, *, batch_id: str | None, told: Callable[[int], None]
) -> Sent:
    """Send one file from where it was stopped; raises as `Server.send` does."""
    for _ in range(BEGINNINGS):
        upload = await find_or_begin(server, picture, checksum, batch_id)
        if upload is None:  # a server from before there were such uploads
            return await server.send(picture, batch_id=batch_id, told=told)
        if await send_rest(server, picture, upload, told):
            value = settled(await server.ask("POST", f"/api/uploads/{upload['id']}/complete"))
            return Sent(photo=value["photo"], job=value["job"], duplicate=value["duplicate"])
    raise RefusedError("The server gave the upload up again and again: send it later.", reason="vanished")


async def find_or_begin(server: Server, picture: Picture, checksum: str, batch_id: str | None) -> dict[str, Any] | None:
    """Return the upload that was begun of this file, or a new one; None where the server knows nothing of uploads."""
    query = {"checksum_sha256": checksum, "state": "open", "kind": "tus", "limit": "1"}
    answer = await server.ask("GET", "/api/uploads", params=query)
    if answer.status_code == HTTPStatus.NOT_FOUND:
        return None
    for upload in settled(answer)["items"]:
        if upload["size_bytes"] == picture.size_bytes:
            found: dict[str, Any] = upload
            return found
    said = {"filename": picture.path.name, "checksum_sha256": checksum} | ({"batch_id": batch_id} if batch_id else {})
    pairs = ",".join(f"{key} {b64encode(value.encode()).decode()}" for key, value in said.items())
    headers = {**TUS, "Upload-Length": str(picture.size_bytes), "Upload-Metadata": pairs}
    begun = await server.ask("POST", TUS_PATH, headers=headers)
    if not begun.is_success:
        settled(begun)
    return {"id": begun.headers["Location"].rsplit("/", 1)[-1], "offset_bytes": 0}


async def send_rest(server: Server, picture: Picture, upload: dict[str, Any], told: Callable[[int], None]) -> bool:
    """Send what is missing; False where the upload vanished.

    Where it is in doubt how much has come, the server is asked: most of what a lost line carried may have arrived.
    """
    path, at, losses = f"{TUS_PATH}{upload['id']}", int(upload["offset_bytes"]), 0
    while at < picture.size_bytes:
        span = Span(start=at, end=min(at + PIECE_BYTES, picture.size_bytes))
        headers = {**PIECE, "Upload-Offset": str(at)}
        answer = await server.pass_on(path, picture, headers=headers, span=span, told=told)
        if answer is None or answer.status_code in ELSEWHERE:
            answer = await server.ask("HEAD", path, headers=TUS)
        if answer.status_code in VANISHED:
            return False
        if not answer.is_success:
            settled(answer)
        before, at = at, int(answer.headers["Upload-Offset"])
        losses = losses + 1 if at <= before else 0
        if losses:
            await server.pause(losses)
    return True
