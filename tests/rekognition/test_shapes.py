from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fotofila.rekognition.answers import model_version, own_id, shown_id
from fotofila.rekognition.arns import collection_of, full_arn, short_arn
from fotofila.rekognition.errors import COMMON, DECLARED_BY_ALL, AwsError
from fotofila.rekognition.operations import OPERATIONS
from fotofila.rekognition.shapes import Blob, Listed, Mapped, Number, Shape, Structure, Text, read_request
from fotofila.rekognition.tables import INPUTS, NOT_OFFERED
from fotofila.rekognition.wire import TARGET, read_input
from tests.rekognition.clients import service_model

MODEL = service_model()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)


def shape_of(published: Any) -> Shape:
    """Write a shape of botocore's model as ours."""
    facts = published.metadata
    low, high = facts.get("min"), facts.get("max")
    match published.type_name:
        case "structure":
            members = {name: shape_of(member) for name, member in published.members.items()}
            return Structure(members=members, required=tuple(published.required_members))
        case "list":
            return Listed(member=shape_of(published.member), shortest=low, longest=high)
        case "map":
            key, value = shape_of(published.key), shape_of(published.value)
            assert isinstance(key, Text)
            assert isinstance(value, Text)
            return Mapped(key=key, value=value, shortest=low, longest=high)
        case "blob":
            return Blob(shortest=low, longest=high)
        case "integer" | "float":
            return Number(whole=published.type_name == "integer", least=low, most=high)
    assert published.type_name == "string"
    return Text(shortest=low, longest=high, pattern=facts.get("pattern"), values=tuple(published.enum))


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_tables_say_what_the_published_model_says(name: str) -> None:
    published = MODEL.operation_model(name)
    assert INPUTS[name] == shape_of(published.input_shape)
    assert OPERATIONS[name].errors == {shape.name for shape in published.error_shapes}


def test_every_operation_is_offered_or_refused_by_name() -> None:
    assert {*OPERATIONS, *NOT_OFFERED} == set(MODEL.operation_names)
    assert not NOT_OFFERED & set(OPERATIONS)
    assert set(INPUTS) == set(OPERATIONS)
    for name in NOT_OFFERED:  # the refusal must be one that typed clients know
        assert "AccessDeniedException" in {shape.name for shape in MODEL.operation_model(name).error_shapes}
    assert f"{MODEL.metadata['targetPrefix']}." == TARGET


def test_operations_that_take_a_token_are_those_of_the_model() -> None:
    for name, operation in OPERATIONS.items():
        assert operation.takes_token == bool(MODEL.operation_model(name).idempotent_members), name


def read(name: str, **members: Any) -> dict[str, Any]:
    return read_input(OPERATIONS[name], json.dumps(members).encode())


def refusal(name: str, **members: Any) -> AwsError:
    with pytest.raises(AwsError) as caught:
        read(name, **members)
    return caught.value


def test_unknown_members_and_null_count_as_absent() -> None:
    assert read("ListFaces", CollectionId="c", MaxResults=None, Whatever={"a": 1}) == {"CollectionId": "c"}
    assert read("ListCollections") == {}
    assert read_input(OPERATIONS["ListCollections"], b"") == {}


def test_all_that_is_wrong_is_told_at_once_in_the_words_of_aws() -> None:
    told = refusal("IndexFaces", CollectionId="a b", MaxFaces=0, QualityFilter="BEST")
    assert told.name == "ValidationException"
    assert told.message == (
        "4 validation errors detected: "
        "Value 'a b' at 'collectionId' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [a-zA-Z0-9_.\\-]+; "
        "Value null at 'image' failed to satisfy constraint: Member must not be null; "
        "Value '0' at 'maxFaces' failed to satisfy constraint: Member must have value greater than or equal to 1; "
        "Value 'BEST' at 'qualityFilter' failed to satisfy constraint: "
        "Member must satisfy enum value set: [NONE, AUTO, LOW, MEDIUM, HIGH]"
    )


@pytest.mark.parametrize(
    "members",
    [
        {"CollectionId": ""},
        {"CollectionId": "x" * 256},
        {"CollectionId": "name\n"},
        {"CollectionId": "c", "Tags": {"aws:x": "1"}},
        {"CollectionId": "c", "Tags": {"": "1"}},
        {"CollectionId": "c", "Tags": {"x": "a\tb"}},
        {"CollectionId": "c", "Tags": {"x": "y" * 257}},
        {"CollectionId": "c", "Tags": {f"k{number}": "" for number in range(201)}},
    ],
)
def test_lengths_and_patterns_are_held(members: dict[str, Any]) -> None:
    assert refusal("CreateCollection", **members).name == "ValidationException"


def test_tags_take_letters_spaces_and_numbers_of_any_script() -> None:
    tags = {"Größe": "3 ½", "名前": "値\u3000٣", "a:/=+-@._": ""}
    assert read("CreateCollection", CollectionId="c", Tags=tags)["Tags"] == tags


@pytest.mark.parametrize(
    ("name", "members"),
    [
        ("ListFaces", {"CollectionId": 5}),
        ("ListFaces", {"CollectionId": "c", "MaxResults": "5"}),
        ("ListFaces", {"CollectionId": "c", "MaxResults": 5.5}),
        ("ListFaces", {"CollectionId": "c", "MaxResults": True}),
        ("ListFaces", {"CollectionId": "c", "MaxResults": 2**31}),
        ("ListFaces", {"CollectionId": "c", "MaxResults": 1e300}),
        ("ListFaces", {"CollectionId": "c", "FaceIds": "f"}),
        ("CreateCollection", {"CollectionId": "c", "Tags": ["a"]}),
        ("DetectFaces", {"Image": {"Bytes": "not base64!"}}),
        ("DetectFaces", {"Image": {"Bytes": [1, 2]}}),
        ("DetectFaces", {"Image": "x"}),
    ],
)
def test_another_type_is_a_serialization_exception(name: str, members: dict[str, Any]) -> None:
    assert refusal(name, **members).name == "SerializationException"


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"\xff", b'{"a": NaN}', b"{} {}"])
def test_what_is_no_json_object_is_a_serialization_exception(body: bytes) -> None:
    with pytest.raises(AwsError) as caught:
        read_input(OPERATIONS["ListCollections"], body)
    assert caught.value.name == "SerializationException"


def test_blobs_arrive_as_bytes_of_any_length_but_none() -> None:
    blob = base64.b64encode(b"\xff" * 10).decode()
    assert read("DetectFaces", Image={"Bytes": blob})["Image"]["Bytes"] == b"\xff" * 10
    assert refusal("DetectFaces", Image={"Bytes": ""}).name == "ValidationException"


@given(name=st.sampled_from(sorted(OPERATIONS)), given=JSON)
def test_whatever_is_sent_is_read_or_refused(name: str, given: Any) -> None:
    try:
        read_request(INPUTS[name], given)
    except AwsError as error:
        assert error.name in COMMON  # noqa: PT017 - either is right
        assert error.http_status == 400  # noqa: PT017


def test_arns_are_those_of_aws_and_name_one_workspace() -> None:
    short, full = short_arn("a" * 32, "eu-west-1", "my.faces"), full_arn("a" * 32, "eu-west-1", "my.faces")
    assert collection_of(short, "a" * 32) == collection_of(full, "a" * 32) == "my.faces"
    with pytest.raises(AwsError) as caught:
        collection_of(full, "b" * 32)
    assert caught.value.name == "ResourceNotFoundException"


def test_ids_and_versions_have_the_forms_of_the_model() -> None:
    own = "01a1ff81b0dd71e595d91f2e56ad05ba"
    assert shown_id(own) == "01a1ff81-b0dd-71e5-95d9-1f2e56ad05ba"
    assert own_id(shown_id(own)) == own
    assert model_version("edgeface-s-gamma05-2023") == "05.2023"
    assert model_version("nameless") == "0"


def test_errors_of_all_operations_are_declared_by_all() -> None:
    for operation in OPERATIONS.values():
        assert operation.errors >= DECLARED_BY_ALL
