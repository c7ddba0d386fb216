"""The conformance suites of face engines: each guarantee in the docstrings of `faces/engine/base.py` is a test here.

An engine proves itself with a class of its own, which says how it is opened and what it is shown:

    class TestMyEngine(EngineConformance, CollectionsConformance):
        @pytest.fixture
        def shown(self, portraits): return Shown(engine=..., first=..., ...)

`EngineConformance` is for all, `VectorsConformance` for engines that make vectors and `CollectionsConformance` for
those that keep collections. They need pytest and pytest-asyncio (`asyncio_mode = "auto"`).
"""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fotofila.core.errors import ConflictError, FotofilaError, InvalidInputError, NotFoundError
from fotofila.core.ids import new_id
from fotofila.core.inference.errors import ModelUnavailableError
from fotofila.faces.engine.base import (
    CHIP_BYTES,
    FaceEngine,
    FindOptions,
    Found,
    KeepsCollections,
    MakesVectors,
    NoFaceError,
)
from fotofila.faces.face import LANDMARK_TYPES, Face

BARE = FindOptions(age=False, gender=False)
SIDEWAYS = 6
"""EXIF orientation: turn clockwise by a quarter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """An engine, and pictures (JPEG) of people.

    `first` and `again` show one person alone, `other` another, `group` several, `nobody` none.
    """

    engine: Any
    first: bytes
    again: bytes
    other: bytes
    group: bytes
    nobody: bytes


def area(face: Face) -> float:
    """Tell how large a face is."""
    return face.bounding_box.width * face.bounding_box.height


def vector_of(found: Found) -> NDArray[np.float32]:
    """Return the vector of the largest face."""
    vector = found.faces[0].face.embedding
    assert vector is not None
    return vector


def rewritten(picture: bytes, form: str, **options: Any) -> bytes:
    """Write a picture in another format."""
    made = io.BytesIO()
    with Image.open(io.BytesIO(picture)) as image:
        image.save(made, form, **options)
    return made.getvalue()


def lying(picture: bytes) -> bytes:
    """Store a picture on its side, with the orientation that turns it upright."""
    made = io.BytesIO()
    with Image.open(io.BytesIO(picture)) as image:
        exif = Image.Exif()
        exif[0x0112] = SIDEWAYS
        image.transpose(Image.Transpose.ROTATE_90).save(made, "JPEG", quality=95, exif=exif)
    return made.getvalue()


@asynccontextmanager
async def collection_of(engine: KeepsCollections) -> AsyncIterator[str]:
    """Give a collection for a block."""
    name = f"conformance-{new_id()}"
    await engine.create_collection(name)
    try:
        yield name
    finally:
        await engine.delete_collection(name)


class EngineConformance:
    """What every engine does."""

    async def test_face_is_described(self, shown: Shown) -> None:
        """Each has a box, a confidence of 0-1, five points and a quality of 0-100."""
        found = await shown.engine.find_faces(shown.first, options=FindOptions())
        [each] = found.faces
        face = each.face
        assert isinstance(shown.engine, FaceEngine)
        assert 0.5 <= face.confidence <= 1
        assert [point.type for point in face.landmarks] == list(LANDMARK_TYPES)
        assert face.landmarks[0].x < face.landmarks[1].x
        assert 0 <= face.quality.brightness <= 100
        assert face.age_range is not None
        assert face.age_range.low < face.age_range.high
        assert abs(face.pose.yaw) < 90

    async def test_faces_come_the_largest_first(self, shown: Shown) -> None:
        """And `most` keeps those."""
        found = await shown.engine.find_faces(shown.group, options=BARE)
        areas = [area(each.face) for each in found.faces]
        assert len(areas) > 2
        assert areas == sorted(areas, reverse=True)
        few = await shown.engine.find_faces(shown.group, options=FindOptions(age=False, gender=False, most=2))
        assert [area(each.face) for each in few.faces] == pytest.approx(areas[:2], rel=0.01)

    async def test_only_what_is_wanted_is_estimated(self, shown: Shown) -> None:
        """Neither age nor gender unless asked for."""
        [each] = (await shown.engine.find_faces(shown.first, options=BARE)).faces
        assert (each.face.age_range, each.face.apparent_gender, each.face.embedding) == (None, None, None)
        assert each.chip is None

    async def test_picture_without_faces_has_none(self, shown: Shown) -> None:
        """That is no error."""
        assert (await shown.engine.find_faces(shown.nobody, options=BARE)).faces == ()

    async def test_sizes_and_boxes_are_of_the_upright_picture(self, shown: Shown) -> None:
        """However it is stored."""
        straight = await shown.engine.find_faces(shown.first, options=BARE)
        turned = await shown.engine.find_faces(lying(shown.first), options=BARE)
        with Image.open(io.BytesIO(shown.first)) as image:
            assert (straight.width, straight.height) == (turned.width, turned.height) == image.size
        here, there = straight.faces[0].face.bounding_box, turned.faces[0].face.bounding_box
        assert there.left == pytest.approx(here.left, abs=0.03)
        assert there.top == pytest.approx(here.top, abs=0.03)

    async def test_formats_that_we_read_are_taken(self, shown: Shown) -> None:
        """Whether or not a service behind the engine reads them."""
        for form in ("PNG", "WEBP"):
            found = await shown.engine.find_faces(rewritten(shown.first, form), options=BARE)
            assert len(found.faces) == 1

    async def test_what_is_no_picture_is_refused_for_good(self, shown: Shown) -> None:
        """With a sentence, not with a crash."""
        for content in (b"", b"no picture", shown.first[: len(shown.first) // 2]):
            with pytest.raises(FotofilaError) as told:
                await shown.engine.find_faces(content, options=BARE)
            assert told.value.permanent


class VectorsConformance:
    """What engines do that make vectors."""

    async def test_vectors_have_length_1_and_tell_people_apart(self, shown: Shown) -> None:
        """The dot product is the likeness."""
        assert isinstance(shown.engine, MakesVectors)
        options = FindOptions(age=False, gender=False, embed=True)
        found = [
            await shown.engine.find_faces(each, options=options) for each in (shown.first, shown.again, shown.other)
        ]
        first, again, other = (vector_of(each) for each in found)
        assert np.linalg.norm(first) == pytest.approx(1, abs=1e-3)
        assert first @ again > 0.6 > first @ other
        assert found[0].model == shown.engine.model

    async def test_chip_gives_the_vector_that_the_picture_gave(self, shown: Shown) -> None:
        """In the order of the chips."""
        options = FindOptions(age=False, gender=False, embed=True, chips=True)
        found = (await shown.engine.find_faces(shown.group, options=options)).faces
        chips = [each.chip for each in found]
        assert {len(chip) for chip in chips} == {CHIP_BYTES}
        vectors = await shown.engine.embed_chips(chips)
        for each, vector in zip(found, vectors, strict=True):
            assert float(each.face.embedding @ vector) == pytest.approx(1, abs=1e-2)

    async def test_no_chips_make_no_vectors(self, shown: Shown) -> None:
        """But an empty array of the right width."""
        assert len(await shown.engine.embed_chips([])) == 0

    async def test_every_model_makes_vectors_of_its_own(self, shown: Shown) -> None:
        """The first is the engine's; they may be as wide as they like."""
        assert shown.engine.models[0] == shown.engine.model
        for model in shown.engine.models:
            options = FindOptions(age=False, gender=False, embed=True, chips=True, model=model)
            found = await shown.engine.find_faces(shown.first, options=options)
            [vector] = await shown.engine.embed_chips([found.faces[0].chip], model=model)
            assert found.model == model
            assert float(found.faces[0].face.embedding @ vector) == pytest.approx(1, abs=1e-2)

    async def test_unknown_model_and_wrong_chip_are_refused(self, shown: Shown) -> None:
        """With sentences that name the mend."""
        with pytest.raises(ModelUnavailableError):
            await shown.engine.embed_chips([bytes(CHIP_BYTES)], model="unknown-1")
        with pytest.raises(ModelUnavailableError):
            await shown.engine.find_faces(shown.first, options=FindOptions(embed=True, model="unknown-1"))
        with pytest.raises(InvalidInputError):
            await shown.engine.embed_chips([b"short"])


class CollectionsConformance:
    """What engines do that keep collections."""

    async def test_collections_are_made_listed_and_deleted(self, shown: Shown) -> None:
        """Twice the same is a conflict; one that is not there is not found."""
        assert isinstance(shown.engine, KeepsCollections)
        name = f"conformance-{new_id()}"
        model = await shown.engine.create_collection(name)
        assert model
        assert name in await shown.engine.list_collections()
        described = await shown.engine.describe_collection(name)
        assert (described.model, described.faces) == (model, 0)
        with pytest.raises(ConflictError):
            await shown.engine.create_collection(name)
        await shown.engine.delete_collection(name)
        assert name not in await shown.engine.list_collections()
        for gone in (
            shown.engine.delete_collection(name),
            shown.engine.describe_collection(name),
            shown.engine.list_faces(name),
            shown.engine.search_faces_by_image(name, shown.first),
            shown.engine.index_faces(name, shown.first),
        ):
            with pytest.raises(NotFoundError):
                await gone

    async def test_indexed_faces_are_listed_and_deleted(self, shown: Shown) -> None:
        """With the external id, and what was seen of them."""
        async with collection_of(shown.engine) as collection:
            made = await shown.engine.index_faces(collection, shown.first, external_image_id="first.jpg")
            [added] = made.added
            [known] = await shown.engine.list_faces(collection)
            assert (await shown.engine.describe_collection(collection)).faces == 1
            assert known.face_id == added.known.face_id
            assert (known.external_image_id, len(known.face_id), len(known.image_id)) == ("first.jpg", 32, 32)
            assert 0.5 <= known.confidence <= 1
            assert added.face.age_range is not None
            assert await shown.engine.delete_faces(collection, [known.face_id, new_id()]) == (known.face_id,)
            assert await shown.engine.list_faces(collection) == ()

    async def test_same_picture_makes_no_second_face(self, shown: Shown) -> None:
        """By the same external id."""
        async with collection_of(shown.engine) as collection:
            for _ in range(2):
                await shown.engine.index_faces(collection, shown.first, external_image_id="one", attributes=False)
            assert len(await shown.engine.list_faces(collection)) == 1

    async def test_faces_beyond_the_most_are_left_out_with_a_reason(self, shown: Shown) -> None:
        """The largest stay."""
        async with collection_of(shown.engine) as collection:
            made = await shown.engine.index_faces(
                collection, shown.group, max_faces=2, quality_filter="NONE", attributes=False
            )
            assert len(made.added) == 2
            assert {reason for each in made.left_out for reason in each.reasons} == {"EXCEEDS_MAX_FACES"}

    async def test_person_is_found_by_picture_and_by_face(self, shown: Shown) -> None:
        """And nobody else."""
        async with collection_of(shown.engine) as collection:
            first = (await shown.engine.index_faces(collection, shown.first, attributes=False)).added[0].known
            again = (await shown.engine.index_faces(collection, shown.again, attributes=False)).added[0].known
            other = (await shown.engine.index_faces(collection, shown.other, attributes=False)).added[0].known
            hit = await shown.engine.search_faces_by_image(collection, shown.first)
            assert {match.known.face_id for match in hit.matches} == {first.face_id, again.face_id}
            assert [match.similarity for match in hit.matches] == sorted(
                (match.similarity for match in hit.matches), reverse=True
            )
            assert 80 <= hit.matches[0].similarity <= 100
            assert 0.5 <= hit.confidence <= 1
            [match] = await shown.engine.search_faces(collection, first.face_id)
            assert match.known.face_id == again.face_id
            assert await shown.engine.search_faces(collection, other.face_id) == ()
            with pytest.raises(NotFoundError):
                await shown.engine.search_faces(collection, new_id())

    async def test_picture_without_a_face_cannot_be_searched(self, shown: Shown) -> None:
        """Nor compared with; indexing it adds nothing."""
        async with collection_of(shown.engine) as collection:
            with pytest.raises(NoFaceError):
                await shown.engine.search_faces_by_image(collection, shown.nobody)
            with pytest.raises(NoFaceError):
                await shown.engine.compare_faces(shown.nobody, shown.first)
            assert (await shown.engine.index_faces(collection, shown.nobody)).added == ()

    async def test_faces_of_two_pictures_are_compared(self, shown: Shown) -> None:
        """Who is like and who is not."""
        alike = await shown.engine.compare_faces(shown.first, shown.again)
        assert [match.similarity > 80 for match in alike.matches] == [True]
        assert alike.unmatched == ()
        unlike = await shown.engine.compare_faces(shown.first, shown.other)
        assert (unlike.matches, len(unlike.unmatched)) == ((), 1)
