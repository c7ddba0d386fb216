"""Collections that the engine keeps: what lies there, what lies here, and what is told of both."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.testing import capture_logs

from fotofila.access.audit import OPERATOR
from fotofila.core.errors import FotofilaError
from fotofila.faces.collections import care, desk, remodel
from fotofila.faces.collections.care_expire import expire_due
from fotofila.faces.collections.care_remove import Person
from fotofila.faces.collections.errors import (
    CollectionExistsError,
    CollectionNotFoundError,
    FaceNotFoundError,
    OtherEngineError,
    RecognitionOffError,
)
from fotofila.faces.collections.export import export_collection
from fotofila.faces.collections.export_file import Secret
from fotofila.faces.collections.export_import import import_collection
from fotofila.faces.collections.kept.erase import clear_collection
from fotofila.faces.collections.kept.gone import Gone, StillThereError, once_gone
from fotofila.faces.collections.models import FaceChip, FaceVector, UserVector
from fotofila.faces.collections.store import NoVectorsError, find_collection
from fotofila.faces.collections.types import SeenFace
from fotofila.faces.engine.names import aws_collection
from tests.faces.collections.conftest import OWNER, Place, open_place
from tests.faces.collections.painted import PaintedEngine, picture
from tests.faces.collections.painted_keeper import MODEL, DiedError, PaintedKeeper

GUESTS = aws_collection(OWNER, "guests", prefix="")


@pytest.fixture
def keeper() -> PaintedKeeper:
    return PaintedKeeper()


@pytest.fixture
async def kept(tmp_path: Path, keeper: PaintedKeeper) -> AsyncIterator[Place]:
    """A process whose engine keeps collections."""
    async with open_place(tmp_path, f"sqlite:///{tmp_path / 'fotofila.db'}", engine=keeper) as made:
        yield made


@pytest.fixture
async def either_kept(tmp_path: Path, database_url: str, keeper: PaintedKeeper) -> AsyncIterator[Place]:
    """The same, on either database."""
    async with open_place(tmp_path, database_url, engine=keeper) as made:
        yield made


def by_local_engine(place: Place) -> Place:
    """The same workspace, in a process with the other engine."""
    context = place.context
    return replace(place, context=replace(context, parts={**context.parts, "faces": PaintedEngine()}))


async def test_faces_are_kept_by_the_engine_and_described_by_our_rows(kept: Place, keeper: PaintedKeeper) -> None:
    made = await kept.index(1, 2, external_image_id="pair")
    info = await desk.describe_collection(kept.context, OWNER, "guests")
    listed = await desk.list_faces(kept.context, OWNER, "guests", actor=OPERATOR, limit=9)

    assert {each.face_id for each in made.records} == {each.face_id for each in listed} == {*keeper.collections[GUESTS]}
    assert (info.model, info.face_count, info.keep_chips, info.revision) == (MODEL, 2, False, 1)
    assert {(each.model, each.external_image_id, each.has_chip) for each in listed} == {(MODEL, "pair", False)}
    async with kept.context.db.read() as session:
        for table in (FaceVector, FaceChip, UserVector):
            assert await session.scalar(select(func.count()).select_from(table)) == 0


async def test_same_image_with_the_same_name_adds_nothing(kept: Place) -> None:
    first = await kept.index(1, external_image_id="one")
    again = await kept.index(1, external_image_id="one")

    assert (first.duplicates, again.duplicates) == (False, True)
    assert [each.face_id for each in again.records] == [each.face_id for each in first.records]
    assert (await desk.describe_collection(kept.context, OWNER, "guests")).face_count == 1


async def test_searches_tell_the_engine_s_similarity_and_only_faces_that_we_know(
    kept: Place, keeper: PaintedKeeper
) -> None:
    ana = (await kept.index(1)).records[0].face_id
    twin = (await kept.index({"person": 1, "noise": 0.3}, photo=2)).records[0].face_id
    await keeper.index_faces(GUESTS, picture(1, photo=9), external_image_id="of another program")

    largest = await desk.search_faces_by_image(
        kept.context, OWNER, "guests", picture(2, {"person": 1, "size": 0.3}), actor=OPERATOR, limit=2
    )
    by_face = await desk.search_faces(kept.context, OWNER, "guests", ana, actor=OPERATOR)
    every = await desk.search_all_faces(kept.context, OWNER, "guests", picture(1, 3), actor=OPERATOR)

    assert isinstance(largest.face, SeenFace)
    assert [match.record.face_id for match in largest.matches] == [ana, twin]
    assert [round(match.similarity) for match in largest.matches] == [100, 96]
    assert largest.model == MODEL
    assert [match.record.face_id for match in by_face] == [twin]
    assert [[match.record.face_id for match in each.matches] for each in every] == [[ana, twin], []]
    with pytest.raises(FaceNotFoundError):
        await desk.search_faces(kept.context, OWNER, "guests", "f" * 32, actor=OPERATOR)


async def test_users_are_as_alike_as_the_best_of_their_faces(kept: Place) -> None:
    context = kept.context
    faces = [(await kept.index({"person": 1, "noise": 0.3}, photo=at)).records[0].face_id for at in range(3)]
    other = (await kept.index(2)).records[0].face_id
    for user in ("ana", "twin"):
        await desk.create_user(context, OWNER, "guests", user, actor=OPERATOR)
    done = await desk.associate_faces(context, OWNER, "guests", "ana", [*faces[:2], other], actor=OPERATOR)
    await desk.associate_faces(context, OWNER, "guests", "twin", faces[2:], actor=OPERATOR)

    by_image = await desk.search_users_by_image(context, OWNER, "guests", picture(1), actor=OPERATOR)
    by_face = await desk.search_users(context, OWNER, "guests", actor=OPERATOR, face_id=faces[0])
    by_user = await desk.search_users(context, OWNER, "guests", actor=OPERATOR, user_id="ana")
    nobody = await desk.search_users_by_image(context, OWNER, "guests", picture(), actor=OPERATOR)

    assert done.face_ids == tuple(faces[:2])
    assert [(each.face_id, each.reasons, each.similarity) for each in done.not_done] == [
        (other, ("LOW_MATCH_CONFIDENCE",), None)
    ]
    assert {match.user.user_id for match in by_image.matches} == {"ana", "twin"}
    assert [match.user.user_id for match in by_face.matches] == ["ana", "twin"]
    assert by_face.matches[0].similarity == 100
    assert [match.user.user_id for match in by_user.matches] == ["twin"]
    assert (nobody.face, nobody.matches) == (None, ())
    freed = await desk.disassociate_faces(context, OWNER, "guests", "ana", faces[:1], actor=OPERATOR)
    assert freed.face_ids == (faces[0],)


async def test_face_that_was_deleted_at_the_engine_is_told_and_hides_nobody_else(
    kept: Place, keeper: PaintedKeeper
) -> None:
    context = kept.context
    faces = [(await kept.index({"person": 1, "noise": 0.3}, photo=at)).records[0].face_id for at in range(3)]
    for user, mine in (("ana", faces[:2]), ("twin", faces[2:])):
        await desk.create_user(context, OWNER, "guests", user, actor=OPERATOR)
        await desk.associate_faces(context, OWNER, "guests", user, mine, actor=OPERATOR)
    del keeper.collections[GUESTS][faces[0]]

    with pytest.raises(FaceNotFoundError, match="delete it here"):
        await desk.search_faces(context, OWNER, "guests", faces[0], actor=OPERATOR)
    found = await desk.search_users(context, OWNER, "guests", actor=OPERATOR, user_id="ana")
    assert [match.user.user_id for match in found.matches] == ["twin"]
    done = await desk.delete_faces(context, OWNER, "guests", [faces[0]], actor=OPERATOR)
    assert done.face_ids == (faces[0],)


async def test_no_picture_leaves_before_recognition_is_switched_on(kept: Place, keeper: PaintedKeeper) -> None:
    await desk.create_collection(kept.context, OWNER, "off", actor=OPERATOR, switched_on=False)
    keeper.away |= {"index_faces", "search_faces_by_image", "find_faces"}
    for refused in (
        desk.index_faces(kept.context, OWNER, "off", picture(1), actor=OPERATOR),
        desk.search_faces_by_image(kept.context, OWNER, "off", picture(1), actor=OPERATOR),
        desk.search_all_faces(kept.context, OWNER, "off", picture(1), actor=OPERATOR),
        desk.search_users_by_image(kept.context, OWNER, "off", picture(1), actor=OPERATOR),
        desk.compare_faces(kept.context, OWNER, picture(1), picture(1), actor=OPERATOR),
    ):
        with pytest.raises(RecognitionOffError):
            await refused


async def test_images_are_compared_and_looked_at_by_the_engine(kept: Place) -> None:
    await kept.client.patch("/api/workspace", json={"face_recognition": True})
    files = {"source": picture(1), "target": picture(2, 1)}

    told = (await kept.client.post("/api/faces/compare", files=files)).json()
    found = await desk.detect_faces(kept.context, OWNER, picture(1, 2))

    assert (len(told["matches"]), len(told["unmatched"]), told["model"]) == (1, 1, MODEL)
    assert (told["source"]["landmarks"], told["source"]["pose"], told["source"]["quality"]) == ([], None, None)
    assert len(found.faces) == 2


async def test_deletion_goes_on_here_only_once_the_engine_has_deleted(kept: Place, keeper: PaintedKeeper) -> None:
    face_id = (await kept.index(1)).records[0].face_id
    keeper.away |= {"delete_faces", "delete_collection"}
    for deleting in (
        desk.delete_faces(kept.context, OWNER, "guests", [face_id], actor=OPERATOR),
        desk.delete_collection(kept.context, OWNER, "guests", actor=OPERATOR),
    ):
        with pytest.raises(FotofilaError):
            await deleting
    assert (await desk.describe_collection(kept.context, OWNER, "guests")).face_count == 1
    keeper.away.clear()
    done = await desk.delete_faces(kept.context, OWNER, "guests", [face_id, "f" * 32], actor=OPERATOR)
    assert (done.face_ids, len(done.not_done), keeper.collections[GUESTS]) == ((face_id,), 1, {})
    await desk.delete_collection(kept.context, OWNER, "guests", actor=OPERATOR)
    assert keeper.collections == {}


async def test_faces_of_users_stay_where_that_is_asked_for(kept: Place, keeper: PaintedKeeper) -> None:
    one, two = [(await kept.index(number)).records[0].face_id for number in (1, 2)]
    await desk.create_user(kept.context, OWNER, "guests", "ana", actor=OPERATOR)
    await desk.associate_faces(kept.context, OWNER, "guests", "ana", [one], actor=OPERATOR)
    done = await desk.delete_faces(kept.context, OWNER, "guests", [one, two], actor=OPERATOR, keep_associated=True)
    assert done.face_ids == (two,)
    assert [*keeper.collections[GUESTS]] == [one]


async def test_program_that_died_between_the_engine_and_us_is_followed_by_one_that_repeats_it(
    kept: Place, keeper: PaintedKeeper
) -> None:
    context = kept.context
    keeper.died = True
    with pytest.raises(DiedError):
        await desk.create_collection(context, OWNER, "staff", actor=OPERATOR)
    made = await desk.create_collection(context, OWNER, "staff", actor=OPERATOR)
    assert made.model == MODEL

    keeper.died = True
    with pytest.raises(DiedError):
        await kept.index(1, external_image_id="ana")
    indexed = await kept.index(1, external_image_id="ana")
    assert [each.face_id for each in indexed.records] == [*keeper.collections[GUESTS]]
    assert not indexed.duplicates

    keeper.died = True
    with pytest.raises(DiedError):
        await desk.delete_collection(context, OWNER, "guests", actor=OPERATOR)
    with pytest.raises(CollectionNotFoundError, match="delete 'guests' here"):
        await kept.index(1)
    await desk.delete_collection(context, OWNER, "guests", actor=OPERATOR)
    with pytest.raises(CollectionNotFoundError, match="make it with"):
        await kept.index(1)


async def test_collection_of_another_program_at_the_engine_is_left_alone(kept: Place, keeper: PaintedKeeper) -> None:
    keeper.collections[aws_collection(OWNER, "theirs", prefix="")] = {}
    await keeper.index_faces(aws_collection(OWNER, "theirs", prefix=""), picture(1))
    with pytest.raises(CollectionExistsError, match="not of this program"):
        await desk.create_collection(kept.context, OWNER, "theirs", actor=OPERATOR)


async def test_collection_of_the_other_engine_is_refused_with_the_mend(kept: Place, keeper: PaintedKeeper) -> None:
    local = by_local_engine(kept)
    await desk.create_collection(local.context, OWNER, "ours", actor=OPERATOR)
    for context, name, setting in ((kept.context, "ours", "local"), (local.context, "guests", "rekognition")):
        for refused in (
            desk.index_faces(context, OWNER, name, picture(1), actor=OPERATOR),
            desk.search_faces_by_image(context, OWNER, name, picture(1), actor=OPERATOR),
            desk.search_all_faces(context, OWNER, name, picture(1), actor=OPERATOR),
            desk.search_users_by_image(context, OWNER, name, picture(1), actor=OPERATOR),
            desk.associate_faces(context, OWNER, name, "ana", ["f" * 32], actor=OPERATOR),
        ):
            with pytest.raises(OtherEngineError, match=f"FOTOFILA_FACES_ENGINE={setting}"):
                await refused
        assert (await desk.describe_collection(context, OWNER, name)).face_count == 0
    with pytest.raises(OtherEngineError):
        await desk.delete_collection(local.context, OWNER, "guests", actor=OPERATOR)
    await desk.delete_collection(kept.context, OWNER, "ours", actor=OPERATOR)
    assert [*keeper.collections] == [GUESTS]


async def test_what_needs_vectors_is_refused_with_the_reason(kept: Place, tmp_path: Path) -> None:
    context, local = kept.context, by_local_engine(kept).context
    with pytest.raises(NoVectorsError, match="keeps the vectors"):
        await remodel.start(context, OWNER, "guests", "edgeface-s-gamma-05", actor=OPERATOR)
    with pytest.raises(OtherEngineError):
        await remodel.start(local, OWNER, "guests", PaintedEngine.model, actor=OPERATOR)
    with pytest.raises(OtherEngineError):
        await desk.update_collection(context, OWNER, "guests", {"keep_chips": True}, actor=OPERATOR)
    assert (await remodel.list_choices(context, OWNER, "guests")).choices == ()

    await kept.index(1, 2, external_image_id="pair")
    path, secret = tmp_path / "guests.faces", Secret(key_file=b"k" * 32)
    with path.open("wb") as file:
        counts = await export_collection(context, OWNER, "guests", file, secret, actor=OPERATOR)
    assert counts["face"] == 2
    for importing in (context, local):
        with pytest.raises(NoVectorsError):
            await import_collection(importing, OWNER, path, secret, actor=OPERATOR, name="other", other_model=True)


async def test_person_is_erased_at_the_engine_before_the_receipt_is_written(
    either_kept: Place, keeper: PaintedKeeper
) -> None:
    kept = either_kept
    context = kept.context
    ana = (await kept.index(1, external_image_id="ana")).records[0].face_id
    ben = (await kept.index(2, external_image_id="ben")).records[0].face_id
    keeper.died = True
    with pytest.raises(DiedError):
        await kept.index(1, photo=2, external_image_id="ana")
    [orphan] = {*keeper.collections[GUESTS]} - {ana, ben}

    keeper.away.add("delete_faces")
    with pytest.raises(FotofilaError):
        await care.erase_person(context, OWNER, Person(external_image_id="ana"), actor=OPERATOR)
    assert await care.list_erasures(context, OWNER, limit=9) == ()
    assert orphan in keeper.collections[GUESTS]
    keeper.away.clear()
    made = await care.erase_person(context, OWNER, Person(external_image_id="ana"), actor=OPERATOR)

    assert [*keeper.collections[GUESTS]] == [ben]
    assert made.receipt is not None
    [told] = made.body["erased"]
    assert told["face_ids"] == [ana]
    assert told["engine"] == {"model": MODEL, "collection": GUESTS, "faces": 2}
    left = await desk.list_faces(context, OWNER, "guests", actor=OPERATOR, limit=9)
    assert [each.face_id for each in left] == [ben]


async def test_faces_that_join_while_their_person_is_erased_are_erased_as_well(
    kept: Place, keeper: PaintedKeeper
) -> None:
    await kept.index(1, external_image_id="ana")
    keeper.meanwhile = lambda: kept.index(1, photo=2, external_image_id="ana")

    made = await care.erase_person(kept.context, OWNER, Person(external_image_id="ana"), actor=OPERATOR)

    assert keeper.collections[GUESTS] == {}
    assert made.body["counts"]["faces"] == 2
    assert made.body["erased"][0]["engine"] == {"model": MODEL, "collection": GUESTS, "faces": 2}
    assert (await desk.describe_collection(kept.context, OWNER, "guests")).face_count == 0


async def test_collection_and_everything_are_erased_at_the_engine_too(kept: Place, keeper: PaintedKeeper) -> None:
    await kept.index(1)
    await desk.create_collection(kept.context, OWNER, "staff", actor=OPERATOR)
    await desk.create_collection(by_local_engine(kept).context, OWNER, "ours", actor=OPERATOR)
    one = await care.erase_collection(kept.context, OWNER, "guests", actor=OPERATOR)
    assert one.body["erased"][0]["engine"] == {"model": MODEL, "collection": GUESTS, "whole": True}
    every = await care.erase_everything(kept.context, OWNER, actor=OPERATOR)
    assert keeper.collections == {}
    assert ["engine" in each for each in every.body["erased"]] == [True, False]


async def test_receipt_says_so_where_the_engine_had_no_such_collection(kept: Place) -> None:
    """It was deleted there before, or lies where another prefix, key or region is needed to see it."""
    await kept.index(1, external_image_id="ana")
    settings = kept.context.settings.model_copy(update={"faces_aws_prefix": "other."})
    elsewhere = replace(kept.context, settings=settings)

    with capture_logs() as logs:
        person = await care.erase_person(elsewhere, OWNER, Person(external_image_id="ana"), actor=OPERATOR)
        whole = await care.erase_collection(elsewhere, OWNER, "guests", actor=OPERATOR)

    there = {"model": MODEL, "collection": f"other.{GUESTS}", "was_there": False}
    assert person.body["erased"][0]["engine"] == {**there, "faces": 0}
    assert whole.body["erased"][0]["engine"] == {**there, "whole": True}
    warned = [each["collection"] for each in logs if each["event"] == "collections.not_at_engine"]
    assert warned == [f"other.{GUESTS}"] * 2


async def test_collection_that_was_there_at_the_first_try_is_told_so_at_the_second(
    kept: Place, keeper: PaintedKeeper
) -> None:
    async def clear() -> Gone:
        return await clear_collection(kept.context, OWNER, "guests")

    async def work(session: AsyncSession, gone: Gone) -> dict[str, Any]:
        if not tries:
            tries.append(gone)
            raise StillThereError
        return gone.told(await find_collection(session, OWNER, "guests"))

    tries: list[Gone] = []
    assert await once_gone(kept.context, clear, work) == {
        "engine": {"model": MODEL, "collection": GUESTS, "whole": True}
    }
    assert keeper.collections == {}


async def test_person_is_not_told_as_erased_where_the_engine_is_not_there(kept: Place) -> None:
    await kept.index(1, external_image_id="ana")
    with pytest.raises(OtherEngineError):
        await care.erase_person(by_local_engine(kept).context, OWNER, Person(external_image_id="ana"), actor=OPERATOR)
    assert await care.list_erasures(kept.context, OWNER, limit=9) == ()


async def test_faces_expire_at_the_engine_first_and_do_not_hold_others_up(kept: Place, keeper: PaintedKeeper) -> None:
    local = by_local_engine(kept)
    await desk.update_collection(kept.context, OWNER, "guests", {"ttl_days": 1}, actor=OPERATOR)
    await desk.create_collection(local.context, OWNER, "ours", ttl_days=1, actor=OPERATOR)
    await kept.index(1)
    await desk.index_faces(local.context, OWNER, "ours", picture(1, 2), actor=OPERATOR)
    kept.clock.advance(2 * 86_400)

    keeper.away.add("delete_faces")
    assert await expire_due(kept.context) == 2
    assert (await desk.describe_collection(kept.context, OWNER, "guests")).face_count == 1
    keeper.away.clear()
    assert await expire_due(kept.context) == 1
    assert keeper.collections[GUESTS] == {}
    assert (await desk.describe_collection(kept.context, OWNER, "guests")).face_count == 0
