"""What a worker asks Amazon Rekognition of a photo, and what becomes of what it is told."""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import NoCredentialsError
from PIL import Image

from fotofila.core.aws import AwsAccess
from fotofila.core.aws.calls import PacedCalls
from fotofila.core.aws.pace import OwnSlots, Pace
from fotofila.core.capability import Question
from fotofila.core.config import load_settings
from fotofila.core.errors import FotofilaError, InvalidInputError, NotFoundError, UnavailableError
from fotofila.core.images.errors import TruncatedImageError
from fotofila.core.jobs.outcomes import Done, Work
from fotofila.faces.engine.ask import ask, make_part
from fotofila.faces.engine.aws import RekognitionEngine
from fotofila.faces.engine.errors import EngineAwayError, EngineKeyError, EngineNotHereError
from fotofila.faces.engine.pictures import Children
from fotofila.faces.jobs import work
from fotofila.testing.pictures import jpeg
from tests.faces.engine.service import (
    LARGE,
    SMALL,
    SOMEBODY,
    Here,
    Service,
    detail,
    engine_of,
    known,
    question,
    refused,
)

COLLECTION = {"collection": "guests", "aws_collection": "0.guests"}
EACH = {**COLLECTION, "search": "each"}
DOOR = {**COLLECTION, "search": "largest_or_index"}


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "original"
    path.write_bytes(jpeg(width=640, height=480))
    return path


def picture(path: Path, kind: str, **options: Any) -> Path:
    """Write a picture of a type."""
    Image.new("RGB", (320, 240), (90, 120, 150)).save(path, kind, **options)
    return path


def read(path: Path) -> bytes:
    """Return what is in a file."""
    return path.read_bytes()


def cut_off(path: Path) -> None:
    """Take the end of a file away."""
    path.write_bytes(path.read_bytes()[:-400])


def sent(service: Service) -> bytes:
    """Return what the service was sent last to find faces in."""
    content: bytes = service.asked[-1][1]["Image"]["Bytes"]
    return content


async def told(asked: Question) -> list[dict[str, Any]]:
    """Ask, and return the faces."""
    faces: list[dict[str, Any]] = (await ask(asked))["found"]["faces"]
    return faces


async def test_job_of_our_own_models_asks_nobody(photo: Path) -> None:
    for args in ({}, {"engine": "local"}):
        asked = Question(args=args, original=photo, media_type="image/jpeg", photo_id=None, parts={})
        assert await ask(asked) == {}


def test_worker_has_an_engine_only_where_it_is_chosen(tmp_path: Path) -> None:
    aws = load_settings(data_dir=tmp_path, faces_engine="rekognition")

    assert make_part(load_settings(data_dir=tmp_path), Here()) is None
    assert isinstance(make_part(aws, Here()), RekognitionEngine)


async def test_job_of_another_engine_is_given_no_result_of_ours(photo: Path) -> None:
    asked = Question(args={"engine": "rekognition"}, original=photo, media_type="image/jpeg", photo_id=None, parts={})
    with pytest.raises(EngineNotHereError, match="FOTOFILA_FACES_ENGINE=rekognition") as caught:
        await ask(asked)
    assert not caught.value.permanent
    args = {"engine": "rekognition", "max_pixels": 10**8}
    unasked = Work(args=args, original=photo, folder=photo.parent, models_dir=photo.parent, media_type="", extra={})
    with pytest.raises(EngineNotHereError):
        work(unasked, lambda _: None)


async def test_faces_go_through_the_child_as_the_service_told_them(photo: Path) -> None:
    service, content = Service(), read(photo)
    asked = question(engine_of(service, Here()), photo, "image/jpeg")
    args = {**asked.args, "max_pixels": 10**8, **await ask(asked)}
    child = Work(args=args, original=photo, folder=photo.parent, models_dir=photo.parent, media_type="", extra={})

    done = work(child, lambda _: None)

    assert isinstance(done, Done)
    assert done.result["photo"]["width"] == 640
    assert [face["bounding_box"]["left"] for face in done.result["faces"]] == [LARGE["Left"], SMALL["Left"]]
    assert {file.name for file in done.renditions} == {"1024.webp", "256.webp", "annotated.webp"}
    assert sent(service) == content


async def test_switches_of_the_workspace_are_kept_to_and_nobody_below_16_has_a_gender(photo: Path) -> None:
    service = Service(faces=[detail(LARGE, ages=(20, 30)), detail(SMALL, ages=(10, 21))])
    engine = engine_of(service, Here())

    both = await told(question(engine, photo, "image/jpeg"))
    neither = await told(question(engine, photo, "image/jpeg", age=False, gender=False))
    gender = await told(question(engine, photo, "image/jpeg", age=False))

    assert [bool(face["apparent_gender"]) for face in both] == [True, False]
    assert all(face["age_range"] for face in both)
    assert service.asked[1][1]["Attributes"] == ["DEFAULT"]
    assert not any(face["age_range"] for face in neither)
    assert service.asked[2][1]["Attributes"] == ["DEFAULT", "AGE_RANGE", "GENDER"]
    assert [(face["age_range"], bool(face["apparent_gender"])) for face in gender] == [(None, True), (None, False)]


@pytest.mark.parametrize(("kind", "media_type"), [("WEBP", "image/webp"), ("PNG", "image/png"), ("JPEG", "image/jpeg")])
async def test_picture_that_is_not_taken_is_written_anew_by_a_child(tmp_path: Path, kind: str, media_type: str) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    path = picture(tmp_path / "original", kind, exif=turned.tobytes())
    if kind == "JPEG":
        path.write_bytes(path.read_bytes() + bytes(6 * 1024 * 1024))
    service, lane = Service(), Here()

    await told(question(engine_of(service, lane), path, media_type))

    assert lane.did == ["to_jpeg"]
    with Image.open(io.BytesIO(sent(service))) as made:
        assert (made.format, made.size) == ("JPEG", (240, 320))


async def test_what_the_service_cannot_read_of_its_own_formats_is_sent_once_more_as_our_jpeg(photo: Path) -> None:
    service = Service(refuses={"detect_faces": [refused("InvalidImageFormatException")]})
    lane = Here()
    assert len(await told(question(engine_of(service, lane), photo, "image/jpeg"))) == 2
    assert lane.did == ["to_jpeg"]

    cut_off(photo)
    service.refuses["detect_faces"] = [refused("InvalidImageFormatException")]
    with pytest.raises(TruncatedImageError):
        await told(question(engine_of(service, lane), photo, "image/jpeg"))


@pytest.mark.parametrize(
    ("error", "expected", "permanent"),
    [
        (refused("InvalidParameterException"), InvalidInputError, True),
        (refused("UnrecognizedClientException"), EngineKeyError, False),
        (refused("ExpiredTokenException"), EngineKeyError, False),
        (UnavailableError("rekognition does not answer (refused)."), EngineAwayError, False),
    ],
)
async def test_error_says_what_becomes_of_the_job(
    photo: Path, error: Exception, expected: type[FotofilaError], permanent: bool
) -> None:
    service = Service(refuses={"detect_faces": [error]})
    with pytest.raises(expected) as caught:
        await told(question(engine_of(service, Here()), photo, "image/jpeg"))
    assert caught.value.permanent is permanent
    assert permanent or caught.value.retry_class == "unavailable"


async def test_service_that_nobody_answers_for_is_away(photo: Path) -> None:
    async def no_time(_: float) -> None:
        """Pass."""

    nobody = AwsAccess(region="eu-west-1", endpoint="http://127.0.0.1:9", access_key_id="a", secret_access_key="b")
    pace = Pace(OwnSlots(), per_second=1000, account="test", sleep=no_time, chance=random.Random(0))
    calls = PacedCalls(nobody, "rekognition", pace, patience_seconds=60, setting="FOTOFILA_FACES_AWS_ENDPOINT")
    engine = RekognitionEngine(calls, Children(Here(), max_pixels=10**8))
    with pytest.raises(EngineAwayError, match="FOTOFILA_FACES_AWS_ENDPOINT"):
        await told(question(engine, photo, "image/jpeg"))
    await engine.close()


async def test_missing_key_is_told_with_the_settings(photo: Path) -> None:
    unsigned = UnavailableError("rekognition does not answer.")
    unsigned.__cause__ = NoCredentialsError()
    service = Service(refuses={"detect_faces": [unsigned]})
    with pytest.raises(EngineKeyError, match="FOTOFILA_FACES_AWS_ACCESS_KEY_ID"):
        await told(question(engine_of(service, Here()), photo, "image/jpeg"))


async def test_each_face_is_searched_by_itself(photo: Path) -> None:
    service, lane = Service(knows=known("anna.jpg")), Here()

    faces = await told(question(engine_of(service, lane), photo, "image/jpeg", **EACH))

    assert service.operations() == ["detect_faces", "search_faces_by_image", "search_faces_by_image"]
    assert service.asked[1][1]["CollectionId"] == "0.guests"
    assert lane.did == ["crop"]
    for face in faces:
        [match] = face["matches"]
        assert (match["face_id"], match["external_image_id"]) == (SOMEBODY.replace("-", ""), "anna.jpg")
        assert match["similarity"] == 97.5


async def test_largest_face_is_made_known_once_however_often_the_job_runs(photo: Path) -> None:
    service = Service()
    asked = question(engine_of(service, Here()), photo, "image/jpeg", **DOOR)

    runs = [await told(asked) for _ in range(2)]

    assert service.operations().count("index_faces") == 1
    for large, small in runs:
        assert [match["similarity"] for match in large["matches"]] == [None]
        assert large["matches"][0]["external_image_id"] == asked.photo_id
        assert small["matches"] == []


async def test_known_face_is_not_indexed_again(photo: Path) -> None:
    service = Service(knows=known("anna.jpg"))

    large, _ = await told(question(engine_of(service, Here()), photo, "image/jpeg", **DOOR))

    assert service.operations() == ["detect_faces", "search_faces_by_image"]
    assert service.asked[1][1]["MaxFaces"] > 1, "of those that are alike our rows may not know the first"
    assert [match["similarity"] for match in large["matches"]] == [97.5]


async def test_face_of_a_photo_that_we_cannot_read_is_not_made_known(photo: Path) -> None:
    """AWS reads what is cut off; the job fails then, and nobody would know of the face."""
    cut_off(photo)
    service = Service()
    with pytest.raises(TruncatedImageError):
        await told(question(engine_of(service, Here()), photo, "image/jpeg", **DOOR))
    assert service.operations() == ["detect_faces", "search_faces_by_image"]


async def test_picture_without_faces_is_not_searched(photo: Path) -> None:
    service = Service(faces=[])
    assert await told(question(engine_of(service, Here()), photo, "image/jpeg", **DOOR)) == []
    assert service.operations() == ["detect_faces"]


async def test_collection_that_is_gone_fails_the_job_for_good(photo: Path) -> None:
    service = Service(refuses={"search_faces_by_image": [refused("ResourceNotFoundException")] * 2})
    with pytest.raises(NotFoundError, match="guests") as caught:
        await told(question(engine_of(service, Here()), photo, "image/jpeg", **DOOR))
    assert caught.value.permanent
