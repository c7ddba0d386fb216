"""What the page was built from still fits the program, without a browser."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import fotofila
from fotofila.core.errors import FotofilaError

WEB = Path(__file__).parents[3] / "web"
NOT_ON_THE_PAGE = {
    "bad_audit_file",
    "bad_backup",
    "bad_export",
    "bad_signature",
    "database_program_failed",
    "newer_results",
    "piece_mismatch",
    "tus_content_type",
    "tus_version",
    "not_empty",
    "refused",
    "stopped",
    "schema_outdated",
    "pending_migration",
    "secret_key",
    "host_not_allowed",
    "bad_cursor",
    "notification_failed",
    "object_exists",
    "other_model",
    "newer_message",
    "wrong_export_key",
    "no_pgvector",
}
"""Said on the command line or in the log, or turned into another error before an answer is made."""

AS_THE_SERVER_SAYS = {"invalid_input", "bad_request", "unreachable"}
"""Too general for one sentence."""


def errors(base: type[FotofilaError] = FotofilaError) -> Iterator[type[FotofilaError]]:
    yield base
    for kind in base.__subclasses__():
        yield from errors(kind)


def test_the_client_is_generated_from_the_api_as_it_is() -> None:
    # A process of its own: beside an open browser, Playwright's loop lets no other one run here.
    command = [sys.executable, "-m", "fotofila.cli", "openapi"]
    # Unbuffered, Python drops the rest of a long text when a pipe takes only part of it.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    now = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
    built_from = json.loads((WEB / "openapi.json").read_text())
    assert built_from == json.loads(now), "run `fotofila openapi > web/openapi.json`"


def test_every_problem_has_a_portuguese_sentence() -> None:
    for module in walk_packages(fotofila.__path__, "fotofila."):
        if ".testing" not in module.name and "__main__" not in module.name:
            import_module(module.name)
    ours = [error for error in errors() if not error.__module__.startswith(("fotofila.testing", "tests."))]
    codes = {error.code for error in ours}
    catalogue = (WEB / "src" / "i18n" / "messages" / "problems.pt-BR.ts").read_text()
    translated = set(re.findall(r"^  (\w+):", catalogue, re.MULTILINE))
    assert codes - translated - NOT_ON_THE_PAGE - AS_THE_SERVER_SAYS == set()
