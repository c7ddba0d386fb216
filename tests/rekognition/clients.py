"""Clients of the wire: the newest boto3 in a process of its own, and botocore of this environment."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import botocore.session
from botocore.config import Config

ROOT = Path(__file__).parents[2]
SDK = ROOT / f"{os.environ.get('VENV', '.venv')}-sdk"  # as the Makefile names it
REGION = "eu-west-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Whom to ask, and as whom."""

    url: str
    access_key_id: str
    secret_access_key: str

    def settings(self, **more: Any) -> dict[str, Any]:
        """Return what a client is made of."""
        return {
            "url": self.url,
            "access_key_id": self.access_key_id,
            "secret_access_key": self.secret_access_key,
            **more,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What boto3 made of an answer."""

    about: dict[str, Any] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)
    code: str = ""
    message: str = ""
    kind: str = ""
    """The class of the exception that boto3 raised."""

    @property
    def status(self) -> int:
        return int(self.about["HTTPStatusCode"])

    @property
    def request_id(self) -> str:
        return str(self.about["RequestId"])

    @property
    def retries(self) -> int:
        return int(self.about["RetryAttempts"])

    def ok(self) -> dict[str, Any]:
        """Return the body of an answer that is no error."""
        assert not self.code, (self.code, self.message)
        return self.body


class Sdk:
    """The newest boto3, asked over a pipe."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def _ask(self, call: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(call, default=encoded) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the process of boto3 ended"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def call(self, target: Target, operation: str, client: dict[str, Any] | None = None, /, **given: Any) -> Answer:
        """Call an operation."""
        settings = target.settings(**(client or {}))
        told = self._ask({"client": settings, "operation": operation, "arguments": given})
        return Answer(
            about=told["about"],
            body=told.get("answer", {}),
            code=told.get("code", ""),
            message=told.get("message", ""),
            kind=told.get("class", ""),
        )

    def pages(self, target: Target, operation: str, /, **given: Any) -> list[dict[str, Any]]:
        """Return every page of a list, as boto3's paginator goes through it."""
        call = {"client": target.settings(), "operation": operation, "arguments": given, "paginate": True}
        pages: list[dict[str, Any]] = self._ask(call)["pages"]
        return pages

    def operations(self, target: Target) -> list[str]:
        """Return the names of all operations of the service that this boto3 knows."""
        names: list[str] = self._ask({"client": target.settings(), "about": True})["operations"]
        return names


def encoded(value: Any) -> Any:
    """Write bytes for the pipe."""
    if isinstance(value, bytes):
        return {"__bytes": base64.b64encode(value).decode()}
    raise TypeError(type(value).__name__)


@contextmanager
def newest_boto3() -> Iterator[Sdk]:
    """Run the newest boto3 for a block."""
    python = SDK / "bin" / "python"
    assert python.exists(), "The newest boto3 has an environment of its own: run `make sdk-deps`."
    driver = Path(__file__).with_name("sdk_driver.py")
    command = [str(python), "-I", str(driver)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Sdk(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(10)


def service_model() -> Any:
    """Return botocore's model of the service."""
    return botocore.session.get_session().get_service_model("rekognition")


def own_client(target: Target, *, attempts: int = 1, validate: bool = False) -> Any:
    """Return a client of this environment's botocore."""
    return botocore.session.get_session().create_client(
        "rekognition",
        region_name=REGION,
        endpoint_url=target.url,
        aws_access_key_id=target.access_key_id,
        aws_secret_access_key=target.secret_access_key,
        config=Config(
            retries={"mode": "standard", "total_max_attempts": attempts},
            parameter_validation=validate,
            read_timeout=60,
        ),
    )
