"""Batches, and waiting for what becomes of photos."""

from __future__ import annotations

import asyncio

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from fotofila.cli.output import ERR
from fotofila.cli.pictures import Picture
from fotofila.cli.upload.sending import ASK_AT_ONCE, Outcome, Trouble
from fotofila.cli.upload.server import Sent, Server, StoppedError

POLL_SECONDS = 1.0
FINAL = frozenset({"done", "failed", "cancelled"})


async def find_or_make_batch(server: Server, name: str, expected: int) -> str:
    """Return the newest batch of this name that is not complete, or a new one: a stopped upload goes on in its own."""
    try:
        page = await server.get("/api/batches", limit="50")
    except StoppedError as error:
        if error.details.get("reason") != "forbidden":  # a key that may only write cannot look
            raise
        page = {"items": []}
    for batch in page["items"]:
        if batch["name"] == name and batch["pending"] > 0:
            return str(batch["id"])
    made = await server.tell("POST", "/api/batches", {"name": name, "expected": expected})
    return str(made["id"])


async def close_batch(server: Server, batch_id: str) -> None:
    """Say that nothing more will come: files that were refused would leave the batch open for ever."""
    await server.tell("PATCH", f"/api/batches/{batch_id}", {"expected": 0})


async def wait_for_results(server: Server, outcome: Outcome) -> None:
    """Wait until every photo has its final state, and note what failed. Raises as `Server.known` does."""
    waiting = {sent.photo["checksum_sha256"]: picture for picture, sent in (*outcome.sent, *outcome.duplicates)}
    progress = Progress(
        TextColumn("{task.completed} of {task.total} analysed"),
        BarColumn(),
        TimeElapsedColumn(),
        console=ERR,
        transient=True,
        disable=not ERR.is_terminal,
    )
    with progress:
        task = progress.add_task("", total=len(waiting))
        while waiting:
            over = await look(server, waiting, outcome)
            progress.advance(task, over)
            if not over:
                await asyncio.sleep(POLL_SECONDS)


async def look(server: Server, waiting: dict[str, Picture], outcome: Outcome) -> int:
    """Ask how the first of those that are waited for stand, put them last, and return how many of them are over."""
    asked = {checksum: waiting.pop(checksum) for checksum in list(waiting)[:ASK_AT_ONCE]}
    found = await server.known(list(asked))
    for checksum, picture in asked.items():
        sent = found.get(checksum)
        if sent is None:
            sentence = "The photo was deleted before it was analysed."
            outcome.failed.append(Trouble(picture=picture, code="deleted", sentence=sentence))
        elif sent.job["state"] in FINAL:
            note(outcome, picture, sent)
        else:
            waiting[checksum] = picture
    return sum(checksum not in waiting for checksum in asked)


def note(outcome: Outcome, picture: Picture, sent: Sent) -> None:
    """Keep the final state of a photo."""
    state = sent.job["state"]
    outcome.states[sent.photo["id"]] = state
    if state != "done":
        error = sent.job["error"] or {"code": state, "sentence": "The work was cancelled: analyse the photo again."}
        outcome.failed.append(Trouble(picture=picture, code=error["code"], sentence=error["sentence"]))
