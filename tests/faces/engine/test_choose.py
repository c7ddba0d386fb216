from __future__ import annotations

from pathlib import Path

import pytest

from fotofila.bootstrap import make_context
from fotofila.core.config import SettingsError, load_settings
from fotofila.faces.engine.aws import RekognitionEngine
from fotofila.faces.engine.base import KeepsCollections, MakesVectors, engine_of, keeps_collections, makes_vectors
from fotofila.faces.engine.local import LocalEngine
from tests.faces.collections.painted import PaintedEngine


async def test_engine_is_the_one_of_the_settings_and_connects_to_nothing_before_it_is_asked(tmp_path: Path) -> None:
    local = make_context(load_settings(data_dir=tmp_path))
    aws = make_context(
        load_settings(data_dir=tmp_path, faces_engine="rekognition", faces_aws_endpoint="http://127.0.0.1:9")
    )

    assert isinstance(engine_of(local), LocalEngine)
    assert isinstance(engine_of(local), MakesVectors)
    assert isinstance(engine_of(aws), RekognitionEngine)
    assert isinstance(engine_of(aws), KeepsCollections)
    for context in (local, aws):
        engine = engine_of(context)
        assert makes_vectors(engine) == isinstance(engine, MakesVectors)
        assert keeps_collections(engine) == isinstance(engine, KeepsCollections)
        assert makes_vectors(engine) != keeps_collections(engine)
        await context.close()
        await engine_of(context).close()


def test_asking_what_an_engine_can_do_reads_none_of_its_properties() -> None:
    """Those of our own look for the files of models, and every call asks."""

    class Sealed(PaintedEngine):
        @property
        def models(self) -> tuple[str, ...]:  # type: ignore[override]
            raise AssertionError

    assert makes_vectors(Sealed())
    assert not keeps_collections(Sealed())


def test_unknown_engine_stops_the_start() -> None:
    with pytest.raises(SettingsError, match="FOTOFILA_FACES_ENGINE"):
        load_settings(faces_engine="other")
