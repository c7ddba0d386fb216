"""The load: photos over a few connections that stay open, first as fast as they go, then at an even pace.

The flood gives photos per second and what a photo costs; at an even pace, at half of that speed, the time from upload
to result is that of the pipeline and not of the backlog.
"""

from __future__ import annotations

import http.client
import json
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bench.pipeline_fleet import Address
from bench.pipeline_processes import Fleet
from bench.pipeline_rows import Rows, timestamp

CLIENTS = 8
POLL_SECONDS = 0.5
PATIENCE_SECONDS = 1800
PACED_SHARE = 0.5

Load = tuple[bytes, float]
"""A photo, and the time of the clock at which it is to be sent (0: at once)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """How to see from outside what became of the photos."""

    rows: Rows
    open_count: str
    ended: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """Figures of one phase."""

    photos: int
    seconds: float
    latencies: list[float]
    """Seconds from the first byte sent to the row that says it is done, sorted."""
    accepted: list[float]
    """Seconds from the first byte sent to the answer, sorted."""
    cpu_ms: dict[str, float]
    """CPU milliseconds per photo, by role."""
    peak_mb: dict[str, float]

    @property
    def ours_ms(self) -> float:
        """All roles, without the servers below."""
        return sum(value for role, value in self.cpu_ms.items() if not role.startswith("server:"))

    def shape(self) -> dict[str, Any]:
        """Shape it for JSON."""
        return {
            "photos": self.photos,
            "photos_per_second": round(self.photos / self.seconds, 1),
            "cpu_ms_per_photo": round(self.ours_ms, 2),
            "cpu_ms_by_role": {role: round(value, 2) for role, value in self.cpu_ms.items()},
            "answer_ms": percentiles(self.accepted),
            "result_ms": percentiles(self.latencies),
            "peak_mb_by_role": {role: round(value) for role, value in self.peak_mb.items()},
        }


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """Return the median and the 99th percentile of sorted seconds, in milliseconds."""
    return {f"p{part}": round(1000 * values[min(len(values) - 1, len(values) * part // 100)], 1) for part in (50, 99)}


def measure(address: Address, fleet: Fleet, looks: Looks, photos: Sequence[bytes], *, rate: float = 0) -> Phase:
    """Send photos (at `rate` a second; 0: as fast as they go), wait for all results, count what it cost."""
    before, began = fleet.cpu_seconds(), time.time()
    sent = send_all(address, [(photo, began + number / rate if rate else 0) for number, photo in enumerate(photos)])
    wait_until_ended(looks)
    seconds, after = time.time() - began, fleet.cpu_seconds()
    ended = {row[0]: row for row in looks.rows.query(looks.ended) if row[0] in sent}
    wrong = [row for row in ended.values() if row[2] != "done"]
    if wrong or len(ended) != len(photos):
        raise RuntimeError(f"{len(photos)} sent, {len(ended)} ended, of which not done: {wrong[:3]}")
    if not rate:  # we look every half second; the last result tells when it was over
        seconds = max(timestamp(row[1]) for row in ended.values()) - began
    return Phase(
        photos=len(photos),
        seconds=seconds,
        latencies=sorted(timestamp(ended[name][1]) - start for name, (start, _) in sent.items()),
        accepted=sorted(answered - start for start, answered in sent.values()),
        cpu_ms={role: 1000 * (after[role] - before.get(role, 0)) / len(photos) for role in after},
        peak_mb=fleet.peak_mb(),
    )


def send_all(address: Address, load: Sequence[Load]) -> dict[str, tuple[float, float]]:
    """Send photos over a few connections; returns when each was begun and answered, by its id."""
    waiting: queue.SimpleQueue[Load] = queue.SimpleQueue()
    for entry in load:
        waiting.put(entry)
    sent: dict[str, tuple[float, float]] = {}
    errors: list[Exception] = []
    threads = [threading.Thread(target=caught, args=(errors, send, address, waiting, sent)) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return sent


def caught(errors: list[Exception], work: Callable[..., None], *arguments: Any) -> None:
    """Run in a thread and keep what it raises."""
    try:
        work(*arguments)
    except Exception as error:  # noqa: BLE001 - raised again in the bench's own thread
        errors.append(error)


def send(address: Address, waiting: queue.SimpleQueue[Load], sent: dict[str, tuple[float, float]]) -> None:
    """Send over one connection until nothing waits."""
    connection = http.client.HTTPConnection(address.host, address.port, timeout=120)
    headers = {**address.headers, "Content-Type": "image/jpeg"}
    for photo, at in drained(waiting):
        time.sleep(max(0.0, at - time.time()))
        begun = time.time()
        connection.request("POST", address.path, body=photo, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 202:
            raise RuntimeError(f"{answer.status}: {body[:500]!r}")
        sent[json.loads(body)["photo"]["id"]] = (begun, time.time())
    connection.close()


def drained(waiting: queue.SimpleQueue[Load]) -> Iterator[Load]:
    """Take until nothing waits."""
    while True:
        try:
            yield waiting.get_nowait()
        except queue.Empty:
            return


def wait_until_ended(looks: Looks) -> None:
    """Wait until no job is open."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while looks.rows.query(looks.open_count)[0][0]:
        if time.monotonic() > deadline:
            raise TimeoutError("jobs are open for half an hour")
        time.sleep(POLL_SECONDS)
