"""The engine of Amazon Rekognition, asked for faces of our own server: a real conversation both ways."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from fotofila.access.models import Workspace
from fotofila.bootstrap import make_context
from fotofila.core.aws import AwsAccess
from fotofila.core.aws.calls import PacedCalls
from fotofila.core.aws.pace import OwnSlots, Pace
from fotofila.core.config import load_settings
from fotofila.core.errors import UnavailableError
from fotofila.core.ids import new_id
from fotofila.faces.engine.aws import RekognitionEngine
from fotofila.faces.engine.base import FindOptions, MakesVectors, NoFaceError
from fotofila.faces.engine.flows import search_each_face, search_or_index
from fotofila.faces.engine.pictures import Children
from fotofila.testing.engine_conformance import CollectionsConformance, EngineConformance, Shown, collection_of
from fotofila.worker.direct import DirectPool
from tests.rekognition.clients import REGION, Target
from tests.rekognition.conftest import Portraits, Served, make_target


def engine_of(target: Target, pool: DirectPool, *, secret: str = "") -> RekognitionEngine:
    access = AwsAccess(
        region=REGION,
        endpoint=target.url,
        access_key_id=target.access_key_id,
        secret_access_key=secret or target.secret_access_key,
    )
    pace = Pace(OwnSlots(), per_second=1000, account="test", chance=random.Random(0))
    calls = PacedCalls(access, "rekognition", pace, patience_seconds=60, setting="FOTOFILA_FACES_AWS_ENDPOINT")
    return RekognitionEngine(calls, Children(pool, max_pixels=200_000_000))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool(models_dir: Path) -> AsyncIterator[DirectPool]:
    made = DirectPool(load_settings(models_dir=models_dir, workers=1), wait_seconds=60)
    yield made
    await made.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(served: Served, pool: DirectPool) -> AsyncIterator[RekognitionEngine]:
    made = engine_of(await target_that_recognises(served), pool)
    yield made
    await made.close()


async def target_that_recognises(served: Served) -> Target:
    """Make a key of a workspace that has recognition switched on: comparing faces keeps to that."""
    context = make_context(load_settings(data_dir=served.data_dir))
    owner = new_id()
    async with context.db.write() as session:
        now = context.clock.now()
        session.add(Workspace(id=owner, name="recognises", detection="fast", face_recognition=True, created_at=now))
    target = await make_target(context, owner=owner, url=served.target.url)
    await context.close()
    return target


@pytest.mark.asyncio(loop_scope="module")
class TestRekognitionEngine(EngineConformance, CollectionsConformance):
    @pytest.fixture
    def shown(self, engine: RekognitionEngine, portraits: Portraits) -> Shown:
        return Shown(
            engine=engine,
            first=portraits.first,
            again=portraits.again,
            other=portraits.other,
            group=portraits.group,
            nobody=portraits.nobody,
        )

    async def test_it_makes_no_vectors_and_knows_its_model_from_the_first_answer(
        self, engine: RekognitionEngine
    ) -> None:
        async with collection_of(engine):
            pass

        assert not isinstance(engine, MakesVectors)
        assert engine.model.startswith("rekognition-")

    async def test_every_face_of_a_picture_is_cut_out_and_searched(
        self, engine: RekognitionEngine, portraits: Portraits
    ) -> None:
        async with collection_of(engine) as collection:
            made = await engine.index_faces(collection, portraits.group, quality_filter="NONE", attributes=False)
            found = await search_each_face(engine, collection, portraits.group, most=4)

        known = {each.known.face_id for each in made.added}
        assert len(found) == 4
        assert all(each.seen for each in found)
        hits = [each.matches[0].known.face_id for each in found if each.matches]
        assert len(set(hits)) >= 3
        assert set(hits) <= known
        boxes = {each.known.face_id: each.known.bounding_box for each in made.added}
        for each in found:
            if each.matches:
                assert boxes[each.matches[0].known.face_id].left == pytest.approx(each.face.bounding_box.left, abs=0.02)

    async def test_largest_face_is_indexed_when_it_is_unknown_and_known_from_then_on(
        self, engine: RekognitionEngine, portraits: Portraits
    ) -> None:
        async with collection_of(engine) as collection:
            first = await search_or_index(engine, collection, portraits.first, external_image_id="door")
            again = await search_or_index(engine, collection, portraits.again)
            other = await search_or_index(engine, collection, portraits.other)
            with pytest.raises(NoFaceError):
                await search_or_index(engine, collection, portraits.nobody)

        assert first.match is None
        assert first.added is not None
        assert again.match is not None
        assert again.match.known.face_id == first.added.known.face_id
        assert again.match.known.external_image_id == "door"
        assert other.match is None

    async def test_picture_that_is_too_large_for_the_service_is_made_smaller(
        self, engine: RekognitionEngine, portraits: Portraits
    ) -> None:
        padded = portraits.first + bytes(6 * 1024 * 1024)

        found = await engine.find_faces(padded, options=FindOptions(age=False, gender=False))

        assert len(found.faces) == 1

    async def test_wrong_secret_is_told_with_the_setting(
        self, served: Served, pool: DirectPool, portraits: Portraits
    ) -> None:
        wrong = engine_of(served.target, pool, secret="x" * 40)

        with pytest.raises(UnavailableError, match="FOTOFILA_FACES_AWS_ACCESS_KEY_ID"):
            await wrong.find_faces(portraits.first, options=FindOptions())
        await wrong.close()
