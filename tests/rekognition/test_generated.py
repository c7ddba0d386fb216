"""Inputs made from botocore's own model, right and wrong, against a served process: no answer is a surprise."""

from __future__ import annotations

import os
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fotofila.rekognition.operations import OPERATIONS
from tests.rekognition.checking import MODEL, check_error, check_shape
from tests.rekognition.clients import own_client
from tests.rekognition.conftest import Portraits, Served
from tests.rekognition.test_faults import snake

pytestmark = pytest.mark.e2e

SEEKING = "REKOGNITION_EXAMPLES" in os.environ
"""With a number set there, so many new inputs are sought for each operation; else a few, the same ones each time."""
EXAMPLES = int(os.environ.get("REKOGNITION_EXAMPLES", "10"))

TEXT = st.text(max_size=12)
NAMES = st.sampled_from(["c", "d", "a.b", "x y", ""])
"""So few that operations often meet what others made."""


def strategy(shape: Any, portrait: bytes) -> st.SearchStrategy[Any]:  # noqa: PLR0911 - a line for each kind
    """Return values of a shape: mostly within what the model says, now and then not."""
    facts = shape.metadata
    match shape.type_name:
        case "structure":
            required = {name: strategy(shape.members[name], portrait) for name in shape.required_members}
            more = {name: strategy(member, portrait) for name, member in shape.members.items() if name not in required}
            return st.fixed_dictionaries(required, optional=more)
        case "list":
            return st.lists(strategy(shape.member, portrait), max_size=3)
        case "map":
            return st.dictionaries(TEXT, TEXT, max_size=3)
        case "blob":
            return st.sampled_from([portrait, portrait, b"\xff\xd8\xff" + bytes(40)]) | st.binary(max_size=30)
        case "integer":
            low, high = facts.get("min", -1), facts.get("max", 2**31)
            return st.integers(low, high) | st.sampled_from([low - 1, high + 1, 2**40])
        case "float":
            return st.floats(-1, 101) | st.integers(0, 100)
        case _ if shape.enum:
            return st.sampled_from([*shape.enum, *shape.enum, "OTHER"])
        case _ if "pattern" in facts and "{8}" in facts["pattern"]:
            return st.uuids().map(str) | TEXT
    return NAMES | TEXT


@pytest.fixture(scope="session")
def client(served: Served) -> Any:
    return own_client(served.target)


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_no_input_of_the_model_surprises(client: Any, portraits: Portraits, name: str) -> None:
    operation = MODEL.operation_model(name)

    @settings(max_examples=EXAMPLES, derandomize=not SEEKING, suppress_health_check=list(HealthCheck))
    @given(strategy(operation.input_shape, portraits.first))
    def ask(given: dict[str, Any]) -> None:
        try:
            answer = getattr(client, snake(name))(**given)
        except ClientError as error:
            told = error.response
            check_error(name, told["Error"]["Code"])
            assert told["ResponseMetadata"]["HTTPStatusCode"] == 400, told
            assert told["Error"]["Message"]
        else:
            about = answer.pop("ResponseMetadata")
            assert about["HTTPStatusCode"] == 200
            answer = {key: value.timestamp() if key == "CreationTimestamp" else value for key, value in answer.items()}
            check_shape(operation.output_shape, answer, name)

    ask()
