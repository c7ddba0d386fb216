"""What a photo costs from HTTP upload to result, by role."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx

from bench.served import Served
from fotofila.worker.loop import available_cpus

CLIENTS = 4
CHILDREN = available_cpus()
"""As many as a worker has where no setting says otherwise."""
POLL_SECONDS = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Figures of one run."""

    photos: int
    seconds: float
    cpu_by_role: dict[str, float]
    states: dict[str, int]

    @property
    def photos_per_second(self) -> float:
        """Photos from upload to result, per second of the clock."""
        return self.photos / self.seconds

    def per_photo(self) -> dict[str, float]:
        """CPU milliseconds per photo, by role."""
        return {role: 1000 * used / self.photos for role, used in self.cpu_by_role.items()}


def measure(served: Served, photos: list[bytes]) -> Cost:
    """Upload every photo but the first `CHILDREN`, wait for every result, and count what it cost."""
    with served.client() as client:
        with ThreadPoolExecutor(CHILDREN) as pool:
            list(pool.map(lambda photo: warm_up(client, photo), photos[:CHILDREN]))
        before = served.cpu_seconds()
        began = time.monotonic()
        with ThreadPoolExecutor(CLIENTS) as pool:
            ids = list(pool.map(lambda photo: upload(client, photo), photos[CHILDREN:]))
        states = wait_for_all(client, ids)
        after = served.cpu_seconds()
        seconds = time.monotonic() - began
    used = {role: after[role] - before[role] for role in after}
    return Cost(photos=len(ids), seconds=seconds, cpu_by_role=used, states=states)


def warm_up(client: httpx.Client, photo: bytes) -> None:
    """Have a child started and its models loaded before anything is counted: one for each photo that comes at once."""
    answer = client.post("/api/photos", params={"wait": 60}, content=photo, headers={"Content-Type": "image/jpeg"})
    answer.raise_for_status()


def upload(client: httpx.Client, photo: bytes) -> str:
    """Send a photo; returns its job's id."""
    answer = client.post("/api/photos", content=photo, headers={"Content-Type": "image/jpeg"})
    answer.raise_for_status()
    body: dict[str, Any] = answer.json()
    return str(body["job"]["id"])


def wait_for_all(client: httpx.Client, ids: list[str]) -> dict[str, int]:
    """Wait until no job is open, then count how each ended."""
    open_states = {"state": ["pending", "queued", "running", "waiting"], "limit": 1}
    while client.get("/api/photos", params=open_states).json()["items"]:
        time.sleep(POLL_SECONDS)
    counts = client.get("/api/reports/photos").json()["totals"]
    return {"sent": len(ids), "done": counts["done"], "failed": counts["failed"]}
