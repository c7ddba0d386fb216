from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fotofila.core.queue import Delivery, LaneNames, Outgoing
from fotofila.core.queue.base import MAX_PAYLOAD_BYTES
from fotofila.core.queue.sqs_wire import OVERHEAD_BYTES, TEXT, delivery, entry


def received(sent: dict[str, Any], lane: str) -> Delivery:
    message = {
        "MessageId": "1",
        "ReceiptHandle": "r",
        "Attributes": {"ApproximateReceiveCount": "2"},
        "Body": sent["MessageBody"],
        "MessageAttributes": sent["MessageAttributes"],
    }
    return delivery(message, lane, LaneNames())


@given(st.binary(max_size=300) | st.text(max_size=100).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_payload_comes_back_as_it_went(payload: bytes) -> None:
    sent = entry(Outgoing(payload=payload), "process")
    assert TEXT.fullmatch(sent["MessageBody"])
    assert received(sent, "process").payload == payload


def test_json_travels_as_it_is() -> None:
    assert entry(Outgoing(payload='{"name": "é"}'.encode()), "process")["MessageBody"] == '{"name": "é"}'


def test_largest_payload_fits_whatever_it_holds() -> None:
    body = entry(Outgoing(payload=b"\xff" * MAX_PAYLOAD_BYTES), "process")["MessageBody"]
    assert len(body) + OVERHEAD_BYTES <= 256 * 1024


def test_message_on_the_failures_lane_that_was_sent_elsewhere_is_a_dead_letter() -> None:
    told = entry(Outgoing(payload=b"{}"), "failures")
    dead = entry(Outgoing(payload=b"{}"), "process.bulk")
    assert not received(told, "failures").dead_letter
    assert received(dead, "failures").dead_letter
    assert not received(dead, "process.bulk").dead_letter
