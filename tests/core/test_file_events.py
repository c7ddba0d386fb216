from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fotofila.core.file_events import FileEvents

EVER = 60.0


@pytest.mark.skipif(sys.platform != "linux", reason="nobody tells elsewhere")
async def test_who_listens_on_misses_nothing(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    events = FileEvents(file)
    assert events.arm()
    assert not await events.heard(0.0)
    file.write_bytes(b"x")
    assert events.arm()
    assert await events.heard(EVER)
    assert not await events.heard(0.0)
    events.close()


@pytest.mark.skipif(sys.platform != "linux", reason="nobody tells elsewhere")
async def test_write_that_is_forgotten_is_not_heard(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    events = FileEvents(file)
    assert events.arm()
    file.write_bytes(b"x")
    events.forget()
    assert events.arm()
    assert not await events.heard(0.0)
    events.close()
    events.forget()
