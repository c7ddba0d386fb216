from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from fotofila.cli.app import COMMANDS
from fotofila.cli.lazy import Entry, load_command
from tests.cli.conftest import Run


def walk(command: Any) -> Iterator[Any]:
    children = getattr(command, "commands", {})
    if not children:
        yield command
    for child in children.values():
        yield from walk(child)


def test_help_names_every_command(cli: Run) -> None:
    shown = cli("--help")
    assert shown.code == 0
    assert all(entry.name in shown.out and entry.line in shown.out for entry in COMMANDS)


def test_help_loads_no_framework() -> None:
    code = (
        "import sys; sys.argv = ['fotofila', '--help']\n"
        "from fotofila.cli.app import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print([name for name in ('sqlalchemy', 'fastapi', 'pydantic', 'numpy', 'uvicorn') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: entry.name)
def test_the_line_in_the_list_is_the_first_line_of_the_command(entry: Entry) -> None:
    assert load_command(entry).help.splitlines()[0] == entry.line


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: entry.name)
def test_every_command_shows_an_example_of_itself(entry: Entry) -> None:
    for command in walk(load_command(entry)):
        assert f"fotofila {entry.name}" in command.help, command.name


def test_a_misspelt_command_is_guessed(cli: Run) -> None:
    ran = cli("uplaod")
    assert ran.code == 2
    assert "upload" in ran.err


def test_version_is_the_package_s(cli: Run) -> None:
    assert cli("--version").out.startswith("fotofila 0.")


def test_a_wrong_setting_is_a_sentence_that_names_it(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOTOFILA_PORT", "eight")
    ran = cli("keys", "list")
    assert ran.code == 2
    assert ran.err.startswith("fotofila: FOTOFILA_PORT:")
    assert "Traceback" not in ran.err
