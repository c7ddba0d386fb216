from __future__ import annotations

from pathlib import Path

import pytest

from fotofila.bootstrap import make_context
from fotofila.core.config import SettingsError, load_settings
from fotofila.faces.engine.aws import RekognitionEngine
from fotofila.faces.engine.base import KeepsCollections, MakesVectors, engine_of
from fotofila.faces.engine.local import LocalEngine


async def test_engine_is_the_one_of_the_settings_and_connects_to_nothing_before_it_is_asked(tmp_path: Path) -> None:
    local = make_context(load_settings(data_dir=tmp_path))
    aws = make_context(
        load_settings(data_dir=tmp_path, faces_engine="rekognition", faces_aws_endpoint="http://127.0.0.1:9")
    )

    assert isinstance(engine_of(local), LocalEngine)
    assert isinstance(engine_of(local), MakesVectors)
    assert isinstance(engine_of(aws), RekognitionEngine)
    assert isinstance(engine_of(aws), KeepsCollections)
    assert not isinstance(engine_of(aws), MakesVectors)
    for context in (local, aws):
        await context.close()
        await engine_of(context).close()


def test_unknown_engine_stops_the_start() -> None:
    with pytest.raises(SettingsError, match="FOTOFILA_FACES_ENGINE"):
        load_settings(faces_engine="other")
