"""Ten thousand failures redriven through the API: how many a second, until all are in the queue, with their history.

The failures are written as the failure handler leaves them. Two figures: the rounds that the API starts a second, and
the same until the relay has sent every one of them (for that the gate of the queue is opened wide).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import insert

from bench.pipeline_fleet import Address, running
from bench.pipeline_parts import DATABASES, QUEUES, STORAGES, Parts, parts
from fotofila.access.workspaces import DEFAULT_WORKSPACE
from fotofila.core.db import Database
from fotofila.core.ids import new_id
from fotofila.core.jobs.models import Failure, Job, TimelineEntry
from fotofila.library.models import Photo

FAILURES = 10_000
CAP = 1000
AIM = 1000
"""A second."""
POLL_SECONDS = 0.05
UNSENT = "SELECT count(*) FROM outbox"
ROUNDS = "SELECT count(*) FROM jobs WHERE round = 2"
HISTORY = "SELECT count(*) FROM failures WHERE state = 'redriven' AND round = 1"
HOPS = "SELECT count(*) FROM job_timeline WHERE hop = 'redriven'"


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench redrive")
    parser.add_argument("--queue", choices=QUEUES, default="sqlite")
    parser.add_argument("--db", choices=DATABASES, default="sqlite")
    parser.add_argument("--storage", choices=STORAGES, default="file")
    parser.add_argument("--failures", type=int, default=FAILURES)
    arguments = parser.parse_args(argv)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fotofila-bench-")))
        made = stack.enter_context(parts(folder, queue=arguments.queue, db=arguments.db, storage=arguments.storage))
        made.env["FOTOFILA_QUEUE_READY"] = str(2 * arguments.failures)
        address, fleet = stack.enter_context(running(made, kind="noop", workers=0))
        asyncio.run(write_failures(made, arguments.failures))
        before = fleet.cpu_seconds()
        figures = redrive_all(address, made, arguments.failures)
        after = fleet.cpu_seconds()
    figures["cpu_ms_each_by_role"] = {
        role: round(1000 * (after[role] - before[role]) / arguments.failures, 2) for role in after
    }
    reached = "reached" if figures["redriven_per_second"] >= AIM else "not reached"
    print(
        f"redrive: {figures['redriven_per_second']} a second (aim: {AIM}; {reached}),"
        f" {figures['sent_per_second']} a second until sent; CPU {figures['cpu_ms_each_by_role']} ms each"
    )
    print(json.dumps(figures))
    return 0


async def write_failures(made: Parts, count: int) -> None:
    """Write photos, their failed jobs and the failures, as the pipeline leaves them."""
    database = Database(made.env.get("FOTOFILA_DATABASE_URL") or f"sqlite:///{made.folder / 'fotofila.db'}")
    rows = [failure_rows(number) for number in range(count)]
    async with database.write() as session:
        for table, position in ((Photo, 0), (Job, 1), (TimelineEntry, 2), (Failure, 3)):
            values = [row[position] for row in rows]
            for start in range(0, count, 1000):
                await session.execute(insert(table), values[start : start + 1000])
    await database.close()


def failure_rows(number: int) -> tuple[dict[str, Any], ...]:
    """Return the rows of one failure: photo, job, timeline entry, failure."""
    now, photo_id, job_id = datetime.now(UTC), new_id(), new_id()
    key = f"originals/{DEFAULT_WORKSPACE}/{photo_id}"
    checksum = f"{number:064x}"
    source = {
        "photo_id": photo_id,
        "key": key,
        "media_type": "image/jpeg",
        "size_bytes": 1,
        "checksum_sha256": checksum,
    }
    told = {"code": "storage_unavailable", "sentence": "The storage did not answer.", "permanent": False}
    mine = {"owner": DEFAULT_WORKSPACE, "created_at": now}
    photo = {**mine, "id": photo_id, "filename": "a.jpg", "original_key": key, "job_id": job_id, **source}
    del photo["photo_id"], photo["key"]
    job = {**mine, "id": job_id, "kind": "noop", "kind_version": 1, "lane": "process", "state": "failed"}
    job |= {"photo_id": photo_id, "args": {}, "source": source, "round": 1, "attempt": 4, "dispatch": 1}
    job |= {"max_attempts": 4, "error": told, "finished_at": now}
    hop = {"job_id": job_id, "at": now, "hop": "failed", "round": 1, "attempt": 4, "detail": {"code": told["code"]}}
    failure = {**mine, **told, "id": new_id(), "job_id": job_id, "photo_id": photo_id, "kind": "noop", "round": 1}
    failure |= {"attempt": 4, "stack": "Traceback …", "payload": {"job_id": job_id}, "state": "open"}
    return photo, job, hop, failure


def redrive_all(address: Address, made: Parts, count: int) -> dict[str, Any]:
    """Redrive by filter, a capped number at a time, as a person does, until none is left; then look at the history."""
    url, rows, started = f"http://{address.host}:{address.port}", made.rows(), 0
    began = time.monotonic()
    with httpx.Client(base_url=url, headers=address.headers, timeout=120, trust_env=False) as client:
        while started < count:
            answer = client.post("/api/failures/redrive", json={"filter": {}, "cap": CAP})
            answer.raise_for_status()
            redriven = answer.json()["redriven"]
            if not redriven:
                break
            started += redriven
    answered = time.monotonic() - began
    while rows.query(UNSENT)[0][0]:
        time.sleep(POLL_SECONDS)
    sent = time.monotonic() - began
    kept = {name: rows.query(query)[0][0] for name, query in (("rounds", ROUNDS), ("kept", HISTORY), ("hops", HOPS))}
    if set(kept.values()) != {count}:
        raise RuntimeError(f"{count} were to be redriven with their history: {kept}")
    return {
        "failures": count,
        "redriven_per_second": round(count / answered),
        "sent_per_second": round(count / sent),
        "history_kept": kept["kept"],
    }
