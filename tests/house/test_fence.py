from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.tracked import ROOT, python_files

SOURCES = ROOT / "src"
WEB_AND_DATABASE = {"sqlalchemy", "fastapi", "starlette", "uvicorn", "alembic"}


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(SOURCES).with_suffix("").parts).removesuffix(".__init__")


JOBS = sorted(module_of(path) for path in python_files("src") if path.name == "jobs.py")
CAPABILITIES = sorted(
    {name.rpartition(".")[0] for name in JOBS} | {"fotofila.library", "fotofila.access", "fotofila.notify"}
)


def loaded_by(module: str) -> set[str]:
    """Import a module in a fresh interpreter; return the top-level packages that came with it."""
    program = f"import sys, json, {module}; print(json.dumps(sorted(sys.modules)))"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, env=kept)
    return {name.partition(".")[0] for name in json.loads(ran.stdout)}


def test_imports_only_go_down_the_floors() -> None:
    program = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    ran = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)
    if "No module named 'importlinter'" in ran.stderr:
        pytest.skip("import-linter is not installed: make lint runs it")
    assert ran.returncode == 0, ran.stdout[-3000:]


def test_there_are_jobs_to_look_at() -> None:
    assert "fotofila.faces.jobs" in JOBS


@pytest.mark.parametrize("module", JOBS)
def test_jobs_load_neither_database_nor_web_framework(module: str) -> None:
    assert loaded_by(module) & WEB_AND_DATABASE == set()


@pytest.mark.parametrize("module", ["fotofila.cli.work", "fotofila.worker.child", "fotofila.worker.loop"])
def test_worker_needs_neither_database_nor_web_framework(module: str) -> None:
    assert loaded_by(module) & WEB_AND_DATABASE == set()


@pytest.mark.parametrize("module", CAPABILITIES)
def test_capability_imports_the_rest_lazily(module: str) -> None:
    assert loaded_by(module) & (WEB_AND_DATABASE | {"numpy", "PIL", "onnxruntime", "cv2"}) == set()


def test_command_line_is_quick_to_say_what_it_can_do() -> None:
    heavy = WEB_AND_DATABASE | {"numpy", "PIL", "onnxruntime", "apprise", "opentelemetry", "cryptography"}
    assert loaded_by("fotofila.cli.app") & heavy == set()


def test_server_never_loads_image_code_that_workers_run() -> None:
    assert loaded_by("fotofila.cli.serve") & {"onnxruntime", "onnx", "cv2", "pi_heif"} == set()


def test_roles_but_the_api_need_no_web_framework() -> None:
    roles = "fotofila.cli.serve, fotofila.access.authenticate, fotofila.feedback.loops"
    assert loaded_by(roles) & {"fastapi", "starlette", "uvicorn", "limits"} == set()
