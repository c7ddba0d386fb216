"""What people read."""

from __future__ import annotations

from typing import Any

import pytest
from notify_parts import START

from fotofila.core.events.models import Event
from fotofila.notify.messages import group_of, joined, payload_of, to_text, trial_payload

LINK = "https://photos.example"
BROKEN = {"error": {"code": "truncated", "sentence": "The file ends early: upload it again."}}
FULL = {"error": {"code": "storage_full", "sentence": "The disk is full."}}


def event(event_type: str, data: dict[str, Any] | None = None, number: int = 1) -> Event:
    return Event(
        id=number, owner="o", type=event_type, at=START, photo_id="p", job_id="j", batch_id=None, data=data or {}
    )


def group(event_type: str, *facts: dict[str, Any]) -> dict[str, Any]:
    payload = group_of(event(event_type, facts[0]))
    for number, data in enumerate(facts[1:], 2):
        payload = joined(payload, event(event_type, data, number))
    return payload


@pytest.mark.parametrize(
    ("payload", "title", "body"),
    [
        (payload_of(event("job.done")), "1 photo is ready", "1 photo is ready."),
        (payload_of(event("job.done", {"face_count": 1})), "1 photo is ready", "1 photo is ready.\n1 face found."),
        (
            group("job.done", {"face_count": 3}, {"face_count": 4}),
            "2 photos are ready",
            "2 photos are ready.\n7 faces found.",
        ),
        (payload_of(event("job.failed", BROKEN)), "1 photo failed", "The file ends early: upload it again."),
        (
            group("job.failed", FULL, BROKEN, BROKEN),
            "3 photos failed",
            "2 x The file ends early: upload it again.\n1 x The disk is full.",
        ),
        (payload_of(event("job.failed")), "1 photo failed", "No reason was given."),
        (
            payload_of(event("batch.done", {"total": 9, "done": 7, "failed": 2})),
            "1 batch is through",
            "7 photos are ready, 2 failed.",
        ),
        (trial_payload(START, target="Mine"), "a test", "Notifications arrive here."),
    ],
)
def test_message_for_people_says_what_happened(payload: dict[str, Any], title: str, body: str) -> None:
    text = to_text(payload, link=LINK)
    assert text.title == f"Fotofila: {title}"
    assert text.body == f"{body}\nSee {LINK}"


def test_group_beyond_what_is_listed_says_so() -> None:
    text = to_text(group("job.done", *[{"face_count": 1}] * 120), link=LINK)
    assert text.title == "Fotofila: 120 photos are ready"
    assert "the first 100 of 120" in text.body


def test_event_data_cannot_pose_as_another_photo() -> None:
    payload = payload_of(event("job.done", {"photo_id": "forged", "face_count": 1}))
    assert payload["data"]["photo_id"] == "p"
