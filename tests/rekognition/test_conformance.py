"""The newest boto3 against a served process: every operation, as an unchanged program would use it."""

from __future__ import annotations

from typing import Any

import pytest

from fotofila.core.ids import new_id
from fotofila.rekognition.operations import OPERATIONS
from fotofila.rekognition.tables import NOT_OFFERED
from tests.rekognition.checking import Call, calling
from tests.rekognition.clients import Sdk, Target
from tests.rekognition.conftest import Portraits, Served

pytestmark = pytest.mark.e2e

UNKNOWN_FACE = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="session")
def call(sdk: Sdk, served: Served) -> Call:
    return calling(sdk, served.target)


@pytest.fixture
def collection(call: Call) -> str:
    """A collection of one's own."""
    name = f"c-{new_id()}"
    call("CreateCollection", CollectionId=name).ok()
    return name


def one(picture: bytes) -> dict[str, bytes]:
    return {"Bytes": picture}


def index(call: Call, collection: str, picture: bytes, external: str) -> dict[str, Any]:
    return call("IndexFaces", CollectionId=collection, Image=one(picture), ExternalImageId=external).ok()


def face_of(call: Call, collection: str, picture: bytes, external: str) -> str:
    """Index a portrait and return the id of its face."""
    (record,) = index(call, collection, picture, external)["FaceRecords"]
    return str(record["Face"]["FaceId"])


def test_the_newest_boto3_knows_no_operation_that_we_do_not_answer(sdk: Sdk, served: Served) -> None:
    assert set(sdk.operations(served.target)) == {*OPERATIONS, *NOT_OFFERED}


def test_a_collection_is_made_described_listed_and_deleted(call: Call) -> None:
    name = f"c-{new_id()}"
    made = call("CreateCollection", CollectionId=name, Tags={"team": "north"}).ok()
    assert made["StatusCode"] == 200
    assert made["CollectionArn"].startswith("aws:rekognition:eu-west-1:")
    again = call("CreateCollection", CollectionId=name)
    assert (again.code, again.kind, again.status) == ("ResourceAlreadyExistsException",) * 2 + (400,)
    described = call("DescribeCollection", CollectionId=name).ok()
    assert (described["FaceCount"], described["UserCount"]) == (0, 0)
    assert described["CollectionARN"] == f"arn:{made['CollectionArn']}"
    assert described["FaceModelVersion"] == made["FaceModelVersion"]
    assert name in call("ListCollections").ok()["CollectionIds"]
    assert call("DeleteCollection", CollectionId=name).ok() == {"StatusCode": 200}
    for operation in ("DescribeCollection", "DeleteCollection"):
        gone = call(operation, CollectionId=name)
        assert (gone.code, gone.status) == ("ResourceNotFoundException", 400)


def test_tags_are_added_changed_listed_and_removed(call: Call, collection: str) -> None:
    arn = call("DescribeCollection", CollectionId=collection).ok()["CollectionARN"]
    call("TagResource", ResourceArn=arn, Tags={"a": "1", "ä": "é x"}).ok()
    call("TagResource", ResourceArn=arn.removeprefix("arn:"), Tags={"a": "2"}).ok()
    assert call("ListTagsForResource", ResourceArn=arn).ok()["Tags"] == {"a": "2", "ä": "é x"}
    call("UntagResource", ResourceArn=arn, TagKeys=["ä", "never"]).ok()
    assert call("ListTagsForResource", ResourceArn=arn).ok()["Tags"] == {"a": "2"}
    many = {f"k{number}": "" for number in range(50)}
    assert call("TagResource", ResourceArn=arn, Tags=many).code == "ServiceQuotaExceededException"
    assert call("ListTagsForResource", ResourceArn=f"{arn}x").code == "ResourceNotFoundException"
    assert call("ListTagsForResource", ResourceArn="arn:aws:s3:::bucket/key").code == "InvalidParameterException"
    foreign = arn.replace(arn.split(":")[4], "123456789012")
    assert call("ListTagsForResource", ResourceArn=foreign).code == "ResourceNotFoundException"


def test_faces_are_described_as_far_as_was_asked(call: Call, portraits: Portraits) -> None:
    (plain,) = call("DetectFaces", Image=one(portraits.first)).ok()["FaceDetails"]
    assert set(plain) == {"BoundingBox", "Confidence", "Landmarks", "Pose", "Quality"}
    assert plain["Confidence"] > 90
    assert {point["Type"] for point in plain["Landmarks"]} == {"eyeLeft", "eyeRight", "nose", "mouthLeft", "mouthRight"}
    (whole,) = call("DetectFaces", Image=one(portraits.first), Attributes=["ALL"]).ok()["FaceDetails"]
    assert set(whole) - set(plain) == {"AgeRange", "Gender"}  # what no model gives is left out, not made up
    assert whole["Gender"]["Value"] in {"Male", "Female"}
    assert 0 <= whole["AgeRange"]["Low"] <= whole["AgeRange"]["High"]
    (some,) = call("DetectFaces", Image=one(portraits.first), Attributes=["GENDER", "SMILE"]).ok()["FaceDetails"]
    assert set(some) - set(plain) == {"Gender"}
    assert call("DetectFaces", Image=one(portraits.nobody)).ok()["FaceDetails"] == []


def test_faces_of_two_images_are_compared(call: Call, collection: str, portraits: Portraits) -> None:
    same = call("CompareFaces", SourceImage=one(portraits.first), TargetImage=one(portraits.again)).ok()
    (match,) = same["FaceMatches"]
    assert match["Similarity"] >= 99
    assert {"BoundingBox", "Confidence", "Landmarks", "Pose", "Quality"} <= set(match["Face"])
    assert set(same["SourceImageFace"]) == {"BoundingBox", "Confidence"}
    other = call("CompareFaces", SourceImage=one(portraits.first), TargetImage=one(portraits.other)).ok()
    assert (other["FaceMatches"], len(other["UnmatchedFaces"])) == ([], 1)
    all_of = call(
        "CompareFaces", SourceImage=one(portraits.first), TargetImage=one(portraits.other), SimilarityThreshold=0
    ).ok()
    assert (len(all_of["FaceMatches"]), all_of["UnmatchedFaces"]) == (1, [])
    none = call("CompareFaces", SourceImage=one(portraits.nobody), TargetImage=one(portraits.first))
    assert none.code == "InvalidParameterException"


def test_an_image_is_indexed_once_and_found_again(call: Call, collection: str, portraits: Portraits) -> None:
    made = call(
        "IndexFaces",
        CollectionId=collection,
        Image=one(portraits.first),
        ExternalImageId="first.jpg",
        DetectionAttributes=["ALL"],
    ).ok()
    (record,) = made["FaceRecords"]
    face = record["Face"]
    assert face["ExternalImageId"] == "first.jpg"
    assert {"AgeRange", "Gender"} <= set(record["FaceDetail"])
    assert record["FaceDetail"]["BoundingBox"] == face["BoundingBox"]
    again = index(call, collection, portraits.first, "first.jpg")  # the same image under the same name
    assert [each["Face"]["FaceId"] for each in again["FaceRecords"]] == [face["FaceId"]]
    assert call("DescribeCollection", CollectionId=collection).ok()["FaceCount"] == 1
    found = call("SearchFacesByImage", CollectionId=collection, Image=one(portraits.again)).ok()
    (match,) = found["FaceMatches"]
    assert match["Face"]["FaceId"] == face["FaceId"]
    assert match["Similarity"] >= 99
    assert {"SearchedFaceBoundingBox", "SearchedFaceConfidence", "FaceModelVersion"} <= set(found)
    stranger = call("SearchFacesByImage", CollectionId=collection, Image=one(portraits.other)).ok()
    assert stranger["FaceMatches"] == []


def test_an_image_without_faces_is_an_error_in_one_search_and_none_in_the_other(
    call: Call, collection: str, portraits: Portraits
) -> None:
    refused = call("SearchFacesByImage", CollectionId=collection, Image=one(portraits.nobody))
    assert refused.code == "InvalidParameterException"
    assert refused.message == "There are no faces in the image. Should be at least 1."
    users = call("SearchUsersByImage", CollectionId=collection, Image=one(portraits.nobody)).ok()
    assert users["UserMatches"] == []
    assert index(call, collection, portraits.nobody, "nobody")["FaceRecords"] == []


def test_faces_beyond_the_most_are_told_and_the_best_are_taken(
    call: Call, collection: str, portraits: Portraits
) -> None:
    made = call("IndexFaces", CollectionId=collection, Image=one(portraits.group), MaxFaces=2).ok()
    assert len(made["FaceRecords"]) == 2
    beyond = [left for left in made["UnindexedFaces"] if "EXCEEDS_MAX_FACES" in left["Reasons"]]
    assert beyond
    assert all("BoundingBox" in left["FaceDetail"] for left in beyond)
    more = call(
        "IndexFaces", CollectionId=collection, Image=one(portraits.group), MaxFaces=100_000, QualityFilter="NONE"
    ).ok()
    assert len(more["FaceRecords"]) >= 2 + len(beyond)


def test_a_face_finds_those_that_are_like_it_and_not_itself(call: Call, collection: str, portraits: Portraits) -> None:
    first = face_of(call, collection, portraits.first, "first")
    again = face_of(call, collection, portraits.again, "again")
    face_of(call, collection, portraits.other, "other")
    found = call("SearchFaces", CollectionId=collection, FaceId=first).ok()
    assert found["SearchedFaceId"] == first
    assert [match["Face"]["FaceId"] for match in found["FaceMatches"]] == [again]
    all_of = call("SearchFaces", CollectionId=collection, FaceId=first, FaceMatchThreshold=0, MaxFaces=1).ok()
    assert len(all_of["FaceMatches"]) == 1
    assert call("SearchFaces", CollectionId=collection, FaceId=UNKNOWN_FACE).code == "InvalidParameterException"


def test_lists_are_walked_by_paginators(
    sdk: Sdk, served: Served, call: Call, collection: str, portraits: Portraits
) -> None:
    indexed = call("IndexFaces", CollectionId=collection, Image=one(portraits.group), QualityFilter="NONE").ok()
    faces = {record["Face"]["FaceId"] for record in indexed["FaceRecords"]}
    pages = sdk.pages(served.target, "ListFaces", CollectionId=collection, MaxResults=2)
    assert len(pages) == (len(faces) + 1) // 2
    listed = [face for page in pages for face in page["Faces"]]
    assert len(listed) == len(faces)
    assert {face["FaceId"] for face in listed} == faces
    assert all("IndexFacesModelVersion" in face for face in listed)
    for name in ("u1", "u2", "u3"):
        call("CreateUser", CollectionId=collection, UserId=name).ok()
    users = [user for page in pages_of(sdk, served, "ListUsers", collection) for user in page["Users"]]
    assert [user["UserId"] for user in users] == ["u1", "u2", "u3"]
    collections = sdk.pages(served.target, "ListCollections", MaxResults=1)
    names = [name for page in collections for name in page["CollectionIds"]]
    assert collection in names
    assert len(set(names)) == len(names)


def pages_of(sdk: Sdk, served: Served, operation: str, collection: str) -> list[dict[str, Any]]:
    return sdk.pages(served.target, operation, CollectionId=collection, MaxResults=2)


@pytest.mark.parametrize("operation", ["ListCollections", "ListFaces", "ListUsers"])
def test_a_token_that_is_none_is_refused(call: Call, collection: str, operation: str) -> None:
    given = {} if operation == "ListCollections" else {"CollectionId": collection}
    assert call(operation, NextToken="!", **given).code == "InvalidPaginationTokenException"
    assert call(operation, NextToken="abcdefgh.x", **given).code == "InvalidPaginationTokenException"


def test_faces_are_listed_by_id_and_user_and_deleted(call: Call, collection: str, portraits: Portraits) -> None:
    first = face_of(call, collection, portraits.first, "first")
    other = face_of(call, collection, portraits.other, "other")
    call("CreateUser", CollectionId=collection, UserId="anna").ok()
    call("AssociateFaces", CollectionId=collection, UserId="anna", FaceIds=[first]).ok()
    (owned,) = call("ListFaces", CollectionId=collection, UserId="anna").ok()["Faces"]
    assert (owned["FaceId"], owned["UserId"]) == (first, "anna")
    (listed,) = call("ListFaces", CollectionId=collection, FaceIds=[other, UNKNOWN_FACE]).ok()["Faces"]
    assert listed["FaceId"] == other
    assert "UserId" not in listed
    deleted = call("DeleteFaces", CollectionId=collection, FaceIds=[first, other, UNKNOWN_FACE]).ok()
    assert deleted["DeletedFaces"] == [other]
    reasons = {each["FaceId"]: each["Reasons"] for each in deleted["UnsuccessfulFaceDeletions"]}
    assert reasons == {first: ["ASSOCIATED_TO_AN_EXISTING_USER"], UNKNOWN_FACE: ["FACE_NOT_FOUND"]}


def test_users_are_made_of_faces_and_found(call: Call, collection: str, portraits: Portraits) -> None:
    first = face_of(call, collection, portraits.first, "first")
    again = face_of(call, collection, portraits.again, "again")
    other = face_of(call, collection, portraits.other, "other")
    assert call("CreateUser", CollectionId=collection, UserId="anna").ok() == {}
    assert call("CreateUser", CollectionId=collection, UserId="anna").code == "ConflictException"
    made = call("AssociateFaces", CollectionId=collection, UserId="anna", FaceIds=[first, again, UNKNOWN_FACE]).ok()
    assert {each["FaceId"] for each in made["AssociatedFaces"]} == {first, again}
    assert made["UnsuccessfulFaceAssociations"] == [{"FaceId": UNKNOWN_FACE, "Reasons": ["FACE_NOT_FOUND"]}]
    assert made["UserStatus"] == "ACTIVE"
    unlike = call("AssociateFaces", CollectionId=collection, UserId="anna", FaceIds=[other]).ok()
    (refused,) = unlike["UnsuccessfulFaceAssociations"]
    assert refused["Reasons"] == ["LOW_MATCH_CONFIDENCE"]
    assert refused["Confidence"] < 75
    by_image = call("SearchUsersByImage", CollectionId=collection, Image=one(portraits.again)).ok()
    assert [match["User"]["UserId"] for match in by_image["UserMatches"]] == ["anna"]
    assert "BoundingBox" in by_image["SearchedFace"]["FaceDetail"]
    by_face = call("SearchUsers", CollectionId=collection, FaceId=first).ok()
    assert by_face["SearchedFace"] == {"FaceId": first}
    assert by_face["UserMatches"][0]["User"]["UserId"] == "anna"
    by_user = call("SearchUsers", CollectionId=collection, UserId="anna").ok()
    assert by_user["SearchedUser"] == {"UserId": "anna"}
    assert call("SearchUsers", CollectionId=collection).code == "InvalidParameterException"
    assert call("SearchUsers", CollectionId=collection, UserId="bob").code == "ResourceNotFoundException"
    left = call("DisassociateFaces", CollectionId=collection, UserId="anna", FaceIds=[again, other]).ok()
    assert left["DisassociatedFaces"] == [{"FaceId": again}]
    assert [each["FaceId"] for each in left["UnsuccessfulFaceDisassociations"]] == [other]
    assert call("DeleteUser", CollectionId=collection, UserId="anna").ok() == {}
    assert call("DeleteUser", CollectionId=collection, UserId="anna").code == "ResourceNotFoundException"


def test_the_largest_face_is_searched_and_the_others_are_told(
    call: Call, collection: str, portraits: Portraits
) -> None:
    answer = call("SearchUsersByImage", CollectionId=collection, Image=one(portraits.group)).ok()
    assert answer["UnsearchedFaces"]
    assert all("FACE_NOT_LARGEST" in each["Reasons"] for each in answer["UnsearchedFaces"])


def test_images_come_from_buckets_that_were_named(
    call: Call, collection: str, served: Served, portraits: Portraits
) -> None:
    (served.bucket / "people").mkdir(exist_ok=True)
    (served.bucket / "people" / "first.jpg").write_bytes(portraits.first)
    there = {"S3Object": {"Bucket": "photos", "Name": "people/first.jpg"}}
    assert len(call("DetectFaces", Image=there).ok()["FaceDetails"]) == 1
    made = call("IndexFaces", CollectionId=collection, Image=there, ExternalImageId="s3").ok()
    assert len(made["FaceRecords"]) == 1
    for bucket, name in (("photos", "none.jpg"), ("other", "x.jpg"), ("photos", "../data/secret.key")):
        refused = call("DetectFaces", Image={"S3Object": {"Bucket": bucket, "Name": name}})
        assert (refused.code, refused.status) == ("InvalidS3ObjectException", 400)
    versioned = {"S3Object": {"Bucket": "photos", "Name": "people/first.jpg", "Version": "1"}}
    assert call("DetectFaces", Image=versioned).code == "InvalidS3ObjectException"
    (served.bucket / "large.jpg").write_bytes(bytes(15 * 1024 * 1024 + 1))
    large = call("DetectFaces", Image={"S3Object": {"Bucket": "photos", "Name": "large.jpg"}})
    assert large.code == "ImageTooLargeException"


@pytest.mark.parametrize(
    ("picture", "code"),
    [
        (b"no picture at all", "InvalidImageFormatException"),
        (b"GIF89a" + bytes(60), "InvalidImageFormatException"),
        (b"\xff\xd8\xff\xe0" + bytes(5 * 1024 * 1024 - 3), "ImageTooLargeException"),
        (b"\xff\xd8\xff\xe0" + bytes(12 * 1024 * 1024), "ImageTooLargeException"),
    ],
    ids=["text", "gif", "a byte too large", "far too large"],
)
def test_images_that_cannot_be_used_are_told_by_name(call: Call, picture: bytes, code: str) -> None:
    refused = call("DetectFaces", Image=one(picture))
    assert (refused.code, refused.kind, refused.status) == (code, code, 400)
    assert refused.retries == 0


def test_a_picture_that_is_cut_off_is_told(call: Call, portraits: Portraits) -> None:
    cut = portraits.first[: len(portraits.first) // 2]
    assert call("DetectFaces", Image=one(cut)).code == "InvalidImageFormatException"


def test_bytes_or_an_object_and_not_both(call: Call, portraits: Portraits) -> None:
    both = one(portraits.first) | {"S3Object": {"Bucket": "photos", "Name": "x"}}
    assert call("DetectFaces", Image=both).code == "InvalidParameterException"
    assert call("DetectFaces", Image={}).code == "InvalidParameterException"


def test_what_is_not_offered_names_what_is(call: Call, portraits: Portraits) -> None:
    refused = call("DetectLabels", Image=one(portraits.first))
    assert (refused.code, refused.kind, refused.status) == ("AccessDeniedException",) * 2 + (400,)
    assert "SearchFacesByImage" in refused.message
    assert refused.retries == 0


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_a_key_without_the_scope_is_denied(sdk: Sdk, served: Served, operation: str) -> None:
    call = calling(sdk, served.powerless, {"validate": False})
    refused = call(operation)
    assert (refused.code, refused.kind, refused.status) == ("AccessDeniedException",) * 2 + (400,)


def test_a_key_that_only_reads_changes_nothing(sdk: Sdk, served: Served) -> None:
    reader = calling(sdk, served.reader)
    reader("ListCollections").ok()
    assert reader("CreateCollection", CollectionId="mine").code == "AccessDeniedException"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"access_key_id": "AKIAIOSFODNN7EXAMPLE"}, "UnrecognizedClientException"),
        ({"secret_access_key": "x" * 40}, "InvalidSignatureException"),
    ],
)
def test_wrong_keys_are_told_as_aws_tells_them(sdk: Sdk, served: Served, change: dict[str, str], code: str) -> None:
    refused = sdk.call(served.target, "ListCollections", change)
    assert (refused.code, refused.status, refused.retries) == (code, 400, 0)


def test_it_is_also_answered_beside_everything_else(sdk: Sdk, served: Served) -> None:
    for slash in ("", "/"):
        target = Target(
            url=served.beside.url + slash,
            access_key_id=served.beside.access_key_id,
            secret_access_key=served.beside.secret_access_key,
        )
        answer = sdk.call(target, "ListCollections", {"region": "sa-east-1"})
        answer.ok()
        assert answer.retries == 0
        assert len(answer.request_id) == 36


def test_what_the_client_leaves_unchecked_is_checked_here(sdk: Sdk, served: Served) -> None:
    call = calling(sdk, served.target, {"validate": False})
    assert "2 validation errors" in call("SearchFaces").message
    for operation, given in (
        ("CreateCollection", {"CollectionId": "not a name"}),
        ("ListFaces", {"CollectionId": "c", "MaxResults": 4097}),
        ("SearchFaces", {"CollectionId": "c", "FaceId": "1"}),
        ("IndexFaces", {"CollectionId": "c", "Image": one(b"x"), "QualityFilter": "BEST"}),
        ("CreateCollection", {"CollectionId": "c", "Tags": {"aws:x": "1"}}),
    ):
        refused = call(operation, **given)
        assert (refused.code, refused.status) == ("ValidationException", 400), (operation, refused)
