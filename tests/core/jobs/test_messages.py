from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fotofila.core.errors import FotofilaError
from fotofila.core.jobs import messages
from fotofila.core.jobs.messages import (
    UnreadableMessageError,
    read_failed,
    read_process,
    read_result,
)

ENVELOPE: dict[str, Any] = {
    "id": "a-1",
    "kind": "noop",
    "kind_version": 1,
    "job_id": "a" * 32,
    "owner": "b" * 32,
    "round": 1,
    "attempt": 2,
    "dispatch": 3,
    "execution_id": "c" * 32,
    "sequence": 4,
    "traceparent": "00-" + "1" * 32 + "-" + "2" * 16 + "-01",
    "created_at": datetime(2026, 1, 2, 3, 4, 5, 678900, tzinfo=UTC),
}
ERROR = messages.ErrorInfo(code="broken", sentence="It broke.", permanent=True, stack="…")
RENDITION = messages.Rendition(name="256.webp", key="renditions/a/b/c/256.webp", media_type="image/webp", size_bytes=9)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10)
RESULTS = [
    messages.Started(**ENVELOPE, worker="here:1"),
    messages.Progress(**ENVELOPE, progress=0.5),
    messages.Heartbeat(**ENVELOPE),
    messages.Retrying(**ENVELOPE, error=ERROR, wait_seconds=1.5, snooze=True),
    messages.Finished(**ENVELOPE, result={"a": [1, "é", None]}, renditions=(RENDITION,), seconds=1, timings={"x": 1}),
    messages.Finished(**ENVELOPE, claim_key="claims/a/b"),
    messages.Cancelled(**ENVELOPE, reason="why not"),
]
NAMES = {
    "schema", "id", "kind", "kind_version", "job_id", "owner", "round", "attempt", "dispatch", "execution_id",
    "sequence", "traceparent", "created_at",
}  # fmt: skip


@pytest.mark.parametrize("message", RESULTS, ids=lambda message: message.type)
def test_reports_come_back_as_they_went(message: messages.Result) -> None:
    assert read_result(message.dump()) == message


@pytest.mark.parametrize("message", RESULTS, ids=lambda message: message.type)
def test_every_message_carries_what_the_design_says(message: messages.Result) -> None:
    assert set(json.loads(message.dump())) >= NAMES


def test_work_and_failures_come_back_as_they_went() -> None:
    source = messages.Source(photo_id="d", key="k", media_type="image/png", size_bytes=1, checksum_sha256="0")
    asked = messages.ProcessMessage(**ENVELOPE, lane="process", max_attempts=4, args={"a": 1}, source=source)
    failed = messages.Failed(**ENVELOPE, error=ERROR, payload=json.loads(asked.dump()))
    assert read_process(asked.dump()) == asked
    assert read_failed(failed.dump()) == failed


def test_unknown_fields_are_ignored() -> None:
    later = {**json.loads(RESULTS[1].dump()), "schema": 2, "priority": "high", "nested": {"a": 1}}
    read = read_result(json.dumps(later).encode())
    assert isinstance(read, messages.Progress)
    assert (read.progress, read.schema_version) == (0.5, 2)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_with_a_sentence(payload: bytes) -> None:
    for read in (read_process, read_result, read_failed):
        with pytest.raises(UnreadableMessageError, match="cannot be read") as caught:
            read(payload)
        assert "\n" not in caught.value.message


@given(JSON)
def test_any_json_is_read_or_refused_with_a_sentence(value: object) -> None:
    for read in (read_process, read_result, read_failed):
        with pytest.raises(UnreadableMessageError):
            read(json.dumps(value).encode())


def test_refusal_does_not_repeat_the_message() -> None:
    with pytest.raises(FotofilaError) as caught:
        read_result(b'{"type": "progress", "owner": "a secret of somebody"}')
    assert "secret" not in caught.value.message
