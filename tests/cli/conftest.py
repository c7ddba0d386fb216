from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
import structlog

from fotofila.cli.app import main


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A command that was run: its exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return orjson.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture(autouse=True)
def environment(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Settings of the machine do not reach the tests, and what commands set up goes again."""
    for name in [name for name in os.environ if name.startswith("FOTOFILA_") and name != "FOTOFILA_MODELS_DIR"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("FOTOFILA_DATA_DIR", str(data_dir))
    monkeypatch.setenv("FOTOFILA_CAPABILITIES", "library,access,notify,noop")
    monkeypatch.setenv("FOTOFILA_INGEST_KIND", "noop")
    monkeypatch.setenv("FOTOFILA_CONFIG", os.devnull)
    root, configured = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**configured)


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process, as the program does."""

    def run(*arguments: str | Path) -> Ran:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["fotofila", *map(str, arguments)])
        try:
            main()
            code = 0
        except SystemExit as ended:
            code = int(ended.code or 0)
        printed = capsys.readouterr()
        return Ran(code=code, out=printed.out, err=printed.err)

    return run
