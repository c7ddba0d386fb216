from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from fotofila.core.config import load_settings
from fotofila.core.errors import FotofilaError, UnavailableError
from fotofila.core.inference.fetch import fetch_all
from fotofila.faces.engine.base import FindOptions, KeepsCollections
from fotofila.faces.engine.local import LocalEngine
from fotofila.faces.packs import PERMISSIVE, RESEARCH
from fotofila.testing.engine_conformance import EngineConformance, Shown, VectorsConformance
from fotofila.worker.direct import DirectPool
from tests.rekognition.conftest import Portraits, models_dir, portraits, solvay

__all__ = ["models_dir", "portraits", "solvay"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(models_dir: Path) -> AsyncIterator[LocalEngine]:
    """With both packs; one child for all tests, since each loads the models."""
    fetch_all((RESEARCH.detector, RESEARCH.embedder), models_dir)
    settings = load_settings(models_dir=models_dir, workers=1, models_non_commercial=True)
    pool = DirectPool(settings, wait_seconds=60)
    yield LocalEngine(settings, pool)
    await pool.close()


@pytest.mark.asyncio(loop_scope="module")
class TestLocalEngine(EngineConformance, VectorsConformance):
    @pytest.fixture
    def shown(self, engine: LocalEngine, portraits: Portraits) -> Shown:
        return Shown(
            engine=engine,
            first=portraits.first,
            again=portraits.again,
            other=portraits.other,
            group=portraits.group,
            nobody=portraits.nobody,
        )

    async def test_it_has_the_models_of_both_packs(self, engine: LocalEngine) -> None:
        assert engine.models == (PERMISSIVE.model, RESEARCH.model)
        assert not isinstance(engine, KeepsCollections)


async def test_research_models_are_none_of_ours_without_their_licence(models_dir: Path) -> None:
    settings = load_settings(models_dir=models_dir)
    pool = DirectPool(settings)

    assert LocalEngine(settings, pool).models == (PERMISSIVE.model,)


async def test_missing_model_is_told_with_the_mend(tmp_path: Path, portraits: Portraits) -> None:
    settings = load_settings(models_dir=tmp_path, workers=1)
    pool = DirectPool(settings, wait_seconds=60)
    engine = LocalEngine(settings, pool)

    with pytest.raises(UnavailableError, match="fotofila models fetch"):
        await engine.find_faces(portraits.first, options=FindOptions())
    await pool.close()


async def test_full_pool_tells_to_come_back(models_dir: Path, portraits: Portraits) -> None:
    settings = load_settings(models_dir=models_dir, workers=1)
    pool = DirectPool(settings, wait_seconds=0)
    engine = LocalEngine(settings, pool)
    options = FindOptions(age=False, gender=False)

    answers = await asyncio.gather(
        *(engine.find_faces(portraits.first, options=options) for _ in range(2)), return_exceptions=True
    )

    [busy] = [each for each in answers if isinstance(each, FotofilaError)]
    assert (busy.code, busy.status, busy.headers["Retry-After"]) == ("busy", 503, "2")
    await pool.close()
