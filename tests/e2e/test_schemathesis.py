"""Schemathesis over the whole OpenAPI document, on a server of its own: no 500, and answers fit their schemas."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import NOOP, serving

EXAMPLES = os.environ.get("FOTOFILA_SCHEMATHESIS_EXAMPLES", "8")
LEFT_OUT = (
    "/api/events",  # a stream has no end
    "/api/uploads/tus",  # it cannot write a body of the media type that tus has
    "/api/session",  # a generated sign-in would use up the attempts that are allowed
)


@pytest.mark.e2e
@pytest.mark.timeout(600)
async def test_nothing_that_the_document_allows_or_forbids_crashes_the_server(tmp_path: Path) -> None:
    async with serving(tmp_path, **NOOP) as served:
        run = await asyncio.create_subprocess_exec(
            str(Path(sys.executable).with_name("st")),
            "run",
            f"{served.url}/openapi.json",
            "--header",
            f"Authorization: {served.headers['Authorization']}",
            "--checks=not_a_server_error,content_type_conformance,response_schema_conformance",
            f"--max-examples={EXAMPLES}",
            "--phases=examples,coverage,fuzzing",
            "--generation-with-security-parameters=false",
            "--seed=1",
            "--no-color",
            f"--exclude-path-regex=^({'|'.join(LEFT_OUT)})",  # of several, only the last would count
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await run.communicate()
    assert run.returncode == 0, said.decode()[-6000:]
