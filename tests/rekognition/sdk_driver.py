"""Runs in the environment of the newest boto3, which is not ours: reads calls line by line, writes what came of them.

A call is `{"client": {...}, "operation": "DetectFaces", "arguments": {...}}`, with `"paginate": true` for all pages;
bytes travel as `{"__bytes": base64}`.
"""

from __future__ import annotations

import base64
import json
import sys
from datetime import datetime
from typing import Any

import boto3
import botocore
from botocore.config import Config
from botocore.exceptions import ClientError

CLIENTS: dict[str, Any] = {}


def client(settings: dict[str, Any]) -> Any:
    """Return a client, the same for the same settings."""
    name = json.dumps(settings, sort_keys=True)
    if name not in CLIENTS:
        config = Config(
            retries=settings.get("retries", {"mode": "standard", "total_max_attempts": 3}),
            parameter_validation=settings.get("validate", True),
            read_timeout=120,
        )
        CLIENTS[name] = boto3.client(
            "rekognition",
            region_name=settings.get("region", "eu-west-1"),
            endpoint_url=settings["url"],
            aws_access_key_id=settings["access_key_id"],
            aws_secret_access_key=settings["secret_access_key"],
            config=config,
        )
    return CLIENTS[name]


def run(call: dict[str, Any]) -> dict[str, Any]:
    """Do a call."""
    if call.get("about"):
        made = client(call["client"]).meta.service_model
        return {"version": botocore.__version__, "operations": sorted(made.operation_names)}
    made = client(call["client"])
    name = botocore.xform_name(call["operation"])
    try:
        if call.get("paginate"):
            pages = list(made.get_paginator(name).paginate(**call["arguments"]))
            return {"pages": pages}
        answer = getattr(made, name)(**call["arguments"])
    except ClientError as error:
        kind = type(error).__name__
        return {
            "code": error.response["Error"]["Code"],
            "message": error.response["Error"]["Message"],
            "class": kind,
            "about": error.response["ResponseMetadata"],
        }
    return {"about": answer.pop("ResponseMetadata"), "answer": answer}


def decoded(given: dict[str, Any]) -> Any:
    """Bring bytes back."""
    return base64.b64decode(given["__bytes"]) if "__bytes" in given else given


def encoded(value: Any) -> Any:
    """Write what JSON has not."""
    if isinstance(value, datetime):
        return value.timestamp()
    raise TypeError(type(value).__name__)


def main() -> None:
    """Serve until the input ends."""
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line, object_hook=decoded)), default=encoded), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
