from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOSTS = re.compile(r"https?://[^/ ]*(pypi|npm|registry)", re.IGNORECASE)
TOOLS = ("sh", "grep", "cat", "env", "dirname")


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A PATH with a shell and little else."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in TOOLS:
        if found := shutil.which(tool):
            (folder / tool).symlink_to(found)
    return folder


def run(*command: str, path: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": str(path)}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def write_program(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


def test_make_lists_what_it_opens() -> None:
    ran = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True)
    for target in ("run", "demo", "test", "lint", "bench", "docs", "lock"):
        assert f"make {target} " in ran.stdout


def test_without_python_make_says_what_to_install(bare: Path, tmp_path: Path) -> None:
    ran = run("scripts/make-venv", str(tmp_path / "venv"), path=bare)
    assert ran.returncode == 1
    assert "There is no Python 3.11 or later" in ran.stderr
    assert not (tmp_path / "venv").exists()


def test_a_python_that_is_too_old_is_named(bare: Path, tmp_path: Path) -> None:
    write_program(bare, "python3", 'if [ "$1" = --version ]; then echo "Python 3.9.2"; else exit 1; fi')
    ran = run("scripts/make-venv", str(tmp_path / "venv"), path=bare)
    assert ran.returncode == 1
    assert "python3 is Python 3.9.2, which is too old" in ran.stderr


def test_a_node_that_is_new_enough_is_used(bare: Path) -> None:
    write_program(bare, "node", "exit 0")
    write_program(bare, "npm", "echo the npm of the system")
    ran = run("scripts/with-node", "npm", "--version", path=bare)
    assert ran.stdout == "the npm of the system\n"


def test_without_chromium_the_tests_say_what_to_install(bare: Path) -> None:
    write_program(bare, "id", "echo 1000")
    ran = run("scripts/find-chromium", path=bare)
    assert ran.returncode == 1
    assert "Chromium" in ran.stderr


def test_a_chromium_that_is_there_is_enough(bare: Path) -> None:
    write_program(bare, "chromium", "exit 0")
    assert run("scripts/find-chromium", path=bare).returncode == 0


def test_no_file_of_the_door_names_the_host_of_a_registry() -> None:
    names = [
        "Makefile",
        ".ci/run",
        "web/.npmrc",
        *(f"requirements/{path.name}" for path in (ROOT / "requirements").iterdir()),
    ]
    names += [f"scripts/{path.name}" for path in (ROOT / "scripts").iterdir() if path.is_file()]
    for name in names:
        text = (ROOT / name).read_text(encoding="utf-8")
        assert not HOSTS.search(text), name
