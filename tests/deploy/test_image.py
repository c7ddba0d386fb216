from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from fotofila.testing.servers.process import free_port
from tests.deploy.files import DEPLOY, ROOT

TEXT = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
STAGE = re.compile(r"^FROM \S+ AS (\S+)\n(.*?)(?=^FROM |\Z)", re.MULTILINE | re.DOTALL)
STAGES = dict(STAGE.findall(TEXT))
ROLES = ("api", "worker", "loops", "all-in-one")


def test_every_target_is_there_and_the_last_is_the_one_for_a_single_machine() -> None:
    assert set(ROLES) < STAGES.keys()
    assert list(STAGES)[-1] == "all-in-one"
    for role in ROLES:
        assert re.search(rf"^FROM base AS {role}$", TEXT, re.MULTILINE)


def test_program_runs_as_nobody_in_particular_and_stops_at_a_word() -> None:
    base = STAGES["base"]
    assert "USER 10001:10001" in base
    assert "STOPSIGNAL SIGTERM" in base
    assert re.search(r'^ENTRYPOINT \["fotofila"\]$', base, re.MULTILINE), "a shell would keep the signal"
    assert "org.opencontainers.image.licenses" in base
    assert not any("USER" in STAGES[role] for role in ROLES)


def test_nothing_secret_is_said_at_the_build() -> None:
    said = re.findall(r"^(?:ARG|ENV) (.*)$", TEXT, re.MULTILINE)
    assert said
    assert not re.search(r"SECRET|PASSWORD|TOKEN|_KEY|_URL", " ".join(said))
    assert not re.search(r"^ADD ", TEXT, re.MULTILINE)


def test_dependencies_are_proved_by_their_hashes() -> None:
    assert "--require-hashes" in STAGES["packages"]
    installs = re.findall(r"pip install ([^&\n]*)", TEXT)
    assert all("--require-hashes" in line or "--no-deps --no-build-isolation ." in line for line in installs)


def test_models_are_baked_or_mounted_and_the_loops_have_none() -> None:
    assert {"models-baked", "models-mounted"} < STAGES.keys()
    assert "fotofila models fetch" in STAGES["models-baked"]
    assert [role for role in ROLES if "--from=models" in STAGES[role]] == ["api", "worker", "all-in-one"]


@pytest.mark.parametrize("role", ROLES)
def test_health_is_asked_where_the_role_answers(role: str) -> None:
    asked = re.findall(r"HEALTHCHECK .*?CMD (\[.*?\])", STAGES["base"] + STAGES[role])[-1]
    assert json.loads(asked)[-1] == ("/healthz" if role in {"api", "all-in-one"} else "/metrics")


def test_build_sees_what_it_copies_and_nothing_of_anybodys() -> None:
    lines = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    allowed = [line.removeprefix("!") for line in rules if line.startswith("!")]
    copied = [
        source.rstrip("/")
        for line in re.findall(r"^COPY (?!--from)(.*)$", TEXT, re.MULTILINE)
        for source in [word for word in line.split() if not word.startswith("--")][:-1]
    ]
    assert copied
    for source in copied:
        assert (ROOT / source).exists(), source
        assert any(source == path or source.startswith(f"{path}/") for path in allowed), source
    for path in allowed:
        assert (ROOT / path).exists(), path
        assert not any(fnmatch(path, pattern) for pattern in ("data", ".venv", ".git", "*.db"))


class Answer(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/healthz" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


@contextmanager
def answering(status: int) -> Iterator[int]:
    handler = type("Handler", (Answer,), {"status": status})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def health(port: int, path: str = "/healthz") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(DEPLOY / "healthcheck.py"), path]
    environment = {"FOTOFILA_PORT": str(port), "FOTOFILA_METRICS_PORT": str(port)}
    return subprocess.run(command, check=False, env=environment, capture_output=True, text=True)


def test_health_of_a_process_that_answers() -> None:
    with answering(200) as port:
        assert health(port).returncode == 0


def test_health_of_a_process_that_is_in_trouble() -> None:
    with answering(500) as port:
        assert (done := health(port)).returncode == 1
    assert "answered 500" in done.stderr


def test_health_of_a_process_that_is_not_there() -> None:
    assert (done := health(free_port(), "/metrics")).returncode == 1
    assert "ConnectionRefused" in done.stderr
