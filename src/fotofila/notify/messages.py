"""What a notification says: JSON for webhooks, plain English for people.

The payload of a delivery is settled when the event is seen, so that each attempt says the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from fotofila.core.events.models import Event

EVENT_TYPES = ("job.done", "job.failed", "batch.done")
"""What a rule can be about."""
TEST = "test"
MOST_ITEMS = 100
"""A group counts every event, and lists so many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A message for people: a line, and a few more."""

    title: str
    body: str


def stamp(at: datetime) -> str:
    """Write a time as RFC 3339 in UTC."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def facts_of(event: Event) -> dict[str, Any]:
    """Return what is told of one event."""
    return {
        **event.data,
        "event_id": event.id,
        "photo_id": event.photo_id,
        "job_id": event.job_id,
        "batch_id": event.batch_id,
    }


def payload_of(event: Event) -> dict[str, Any]:
    """Return the payload of a delivery about one event."""
    return {"type": event.type, "timestamp": stamp(event.at), "data": facts_of(event)}


def group_of(event: Event) -> dict[str, Any]:
    """Return the payload of a delivery that will grow; its type says so, since one type has one shape."""
    at = stamp(event.at)
    data = {"count": 0, "first_at": at, "last_at": at, "items": []}
    return joined({"type": f"{event.type}.group", "timestamp": at, "data": data}, event)


def joined(payload: Mapping[str, Any], event: Event) -> dict[str, Any]:
    """Return the payload of a group with one more event."""
    data, at = payload["data"], stamp(event.at)
    items = [*data["items"], {"timestamp": at, **facts_of(event)}] if data["count"] < MOST_ITEMS else data["items"]
    return {
        **payload,
        "timestamp": at,
        "data": {**data, "count": data["count"] + 1, "last_at": at, "items": items},
    }


def trial_payload(now: datetime, *, target: str) -> dict[str, Any]:
    """Return the payload of the test button."""
    return {"type": TEST, "timestamp": stamp(now), "data": {"target": target, "message": "Notifications arrive here."}}


def to_json(payload: Mapping[str, Any]) -> bytes:
    """Write the body of a webhook; equal payloads give equal bytes."""
    return orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)


def to_text(payload: Mapping[str, Any], *, link: str) -> Text:
    """Write the message for people; `link` is where the page is."""
    kind, data = payload["type"].removesuffix(".group"), payload["data"]
    items = data.get("items", [data])
    count = data["count"] if "items" in data else 1
    title, lines = {"job.done": done, "job.failed": failed, "batch.done": batches}.get(kind, tested)(items, count)
    if count > len(items):
        lines = [*lines, f"Counted in detail: the first {len(items)} of {count}."]
    return Text(title=f"Fotofila: {title}", body="\n".join([*lines, f"See {link}"]))


def many(count: int, one: str, several: str) -> str:
    """Write a number with its noun."""
    return f"{count} {one if count == 1 else several}"


def done(items: list[dict[str, Any]], count: int) -> tuple[str, list[str]]:
    """Say that photos are ready."""
    title = f"{many(count, 'photo is', 'photos are')} ready"
    faces = [item["face_count"] for item in items if isinstance(item.get("face_count"), int)]
    found = [f"{many(sum(faces), 'face', 'faces')} found."] if faces else []
    return title, [f"{title.capitalize()}.", *found]


def failed(items: list[dict[str, Any]], count: int) -> tuple[str, list[str]]:
    """Say that photos failed, and why: the reasons with their counts."""
    reasons = Counter(str((item.get("error") or {}).get("sentence") or "No reason was given.") for item in items)
    lines = [f"{times} x {reason}" if count > 1 else reason for reason, times in reasons.most_common(5)]
    return f"{many(count, 'photo', 'photos')} failed", lines


def batches(items: list[dict[str, Any]], count: int) -> tuple[str, list[str]]:
    """Say that batches are through, with their counts."""
    ready, lost = (sum(int(item.get(name) or 0) for item in items) for name in ("done", "failed"))
    lines = [f"{many(ready, 'photo is', 'photos are')} ready, {lost} failed."]
    return f"{many(count, 'batch is', 'batches are')} through", lines


def tested(items: list[dict[str, Any]], count: int) -> tuple[str, list[str]]:
    """Say that the test arrived."""
    del items, count
    return "a test", ["Notifications arrive here."]
