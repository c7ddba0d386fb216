"""Payloads as SQS takes them: text, with attributes that tell what it was."""

from __future__ import annotations

import re
from base64 import b85decode, b85encode
from typing import Any

from fotofila.core.queue.base import Delivery, LaneNames, Outgoing

TEXT = re.compile("[\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+")
"""What may stand in a body. Carriage returns may too, and need not come back as they went."""
ENCODED = "b85"
"""Five bytes for four: 200 KiB of anything stay below 256 KiB."""
ATTRIBUTES = ["lane", "encoding"]
OVERHEAD_BYTES = 200
"""More than attributes add to a body."""


def entry(message: Outgoing, lane: str) -> dict[str, Any]:
    """Return the body and the attributes of a message."""
    text, encoded = encode(message.payload)
    attributes = {"lane": string(lane)}
    if encoded:
        attributes["encoding"] = string(ENCODED)
    return {"MessageBody": text, "MessageAttributes": attributes}


def string(value: str) -> dict[str, str]:
    """Return an attribute."""
    return {"DataType": "String", "StringValue": value}


def encode(payload: bytes) -> tuple[str, bool]:
    """Return a payload as text, and whether it had to be encoded; JSON never has to be."""
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        text = ""
    if TEXT.fullmatch(text):
        return text, False
    return b85encode(payload).decode() or " ", True


def delivery(message: dict[str, Any], lane: str, names: LaneNames) -> Delivery:
    """Shape what was received.

    A message on the failures lane that was not sent to it was moved there by SQS, or by a person.
    """
    attributes = {key: value["StringValue"] for key, value in message.get("MessageAttributes", {}).items()}
    body = message["Body"]
    encoded = attributes.get("encoding") == ENCODED
    return Delivery(
        message_id=message["MessageId"],
        lane=lane,
        payload=b85decode(body.strip()) if encoded else body.encode(),
        deliveries=int(message["Attributes"]["ApproximateReceiveCount"]),
        receipt=message["ReceiptHandle"],
        dead_letter=lane == names.failures and attributes.get("lane") != lane,
    )
