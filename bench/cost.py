"""What a photo costs from HTTP upload to result, by role.

Waiting is kept out of it: how often a client asks whether its photos are done is the client's affair, and four asks a
second were a tenth of what the server did. So it is asked rarely, and when the last photo was done its own job tells.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from bench.served import Served
from fotofila.worker.loop import available_cpus

CLIENTS = 4
CHILDREN = available_cpus()
"""As many as a worker has where no setting says otherwise."""
POLL_SECONDS = 2.0
MOST_PHOTOS = 200
"""So many are asked for at once."""


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
    """Upload every photo but the first `CHILDREN`, up to `MOST_PHOTOS`, wait for all results, and count the cost."""
    with served.client() as client:
        with ThreadPoolExecutor(CHILDREN) as pool:
            list(pool.map(lambda photo: warm_up(client, photo), photos[:CHILDREN]))
        before = served.cpu_seconds()
        began = datetime.now(UTC)
        with ThreadPoolExecutor(CLIENTS) as pool:
            ids = list(pool.map(lambda photo: upload(client, photo), photos[CHILDREN:]))
        wait_for_all(client)
        after = served.cpu_seconds()
        seconds = (last_end(client) - began).total_seconds()
        states = ends(client, ids)
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


def wait_for_all(client: httpx.Client) -> None:
    """Wait until no job is open."""
    open_states: dict[str, Any] = {"state": ["pending", "queued", "running", "waiting"], "limit": 1}
    while client.get("/api/photos", params=open_states).json()["items"]:
        time.sleep(POLL_SECONDS)


def last_end(client: httpx.Client) -> datetime:
    """Return when the last of the newest photos was done."""
    items = client.get("/api/photos", params={"limit": MOST_PHOTOS}).json()["items"]
    return max(datetime.fromisoformat(item["job"]["finished_at"]) for item in items)


def ends(client: httpx.Client, ids: list[str]) -> dict[str, int]:
    """Count how each job ended."""
    counts = client.get("/api/reports/photos").json()["totals"]
    return {"sent": len(ids), "done": counts["done"], "failed": counts["failed"]}
