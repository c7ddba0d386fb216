"""What a photo costs from HTTP upload to result, each role its own process, and what of it is vision."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

from bench.cost import CHILDREN, Cost, measure
from bench.served import served

WIDTH, HEIGHT = 1632, 1224
QUALITY = 90


def make_photos(source: Path, count: int) -> list[bytes]:
    """Cut so many different 2-megapixel JPEGs out of a large photo."""
    with Image.open(source) as opened:
        image = opened.convert("RGB")
    across, down = image.width - WIDTH, image.height - HEIGHT
    photos = []
    for number in range(count):
        left, top = (number * 97) % across, (number * 61) % down
        out = io.BytesIO()
        image.crop((left, top, left + WIDTH, top + HEIGHT)).save(out, "JPEG", quality=QUALITY)
        photos.append(out.getvalue())
    return photos


def whole_way(source: Path, *, count: int, detection: str) -> dict[str, Any]:
    """Send photos through a real server; returns figures per photo, CPU in milliseconds."""
    photos = make_photos(source, CHILDREN + count)
    with served(detection=detection) as house:
        cost = measure(house, photos)
        with house.client() as client:
            steps = steps_of(client, cost.photos)
    return shape(cost, steps, size=sum(map(len, photos)) / len(photos))


def steps_of(client: httpx.Client, count: int) -> dict[str, float]:
    """Return the CPU milliseconds of each step in the child, from the jobs' timelines."""
    items = client.get("/api/photos", params={"limit": 200}).json()["items"][:count]
    sums: dict[str, float] = {}
    for item in items:
        hops = client.get(f"/api/jobs/{item['job']['id']}/timeline").json()["items"]
        detail = next(hop["detail"] for hop in hops if hop["hop"] == "finished")
        for name, seconds in detail.items():
            sums[name] = sums.get(name, 0.0) + seconds
    return {name: 1000 * total / len(items) for name, total in sums.items()}


def shape(cost: Cost, steps: dict[str, float], *, size: float) -> dict[str, Any]:
    """Tell vision from the rest: everything but the vision step in the child is not vision."""
    by_role = cost.per_photo()
    whole = sum(by_role.values())
    return {
        "photos": cost.photos,
        "states": cost.states,
        "bytes_per_photo": round(size),
        "photos_per_second": round(cost.photos_per_second, 2),
        "cpu_ms_per_photo": round(whole, 1),
        "vision_ms": round(steps["vision"], 1),
        "not_vision_ms": round(whole - steps["vision"], 1),
        "decode_ms": round(steps["decode"], 1),
        "renditions_ms": round(steps["renditions"], 1),
        "by_role_ms": {role: round(value, 1) for role, value in by_role.items()},
    }
