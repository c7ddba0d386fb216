"""Calls whose answers are held against botocore's model: nothing in them is undeclared or out of range."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from fotofila.rekognition.errors import COMMON
from fotofila.rekognition.shapes import matcher
from tests.rekognition.clients import Answer, Sdk, Target, service_model

Call = Callable[..., Answer]
MODEL = service_model()


def calling(sdk: Sdk, target: Target, client: dict[str, Any] | None = None) -> Call:
    """Return what calls an operation and checks its answer."""

    def call(operation: str, **given: Any) -> Answer:
        answer = sdk.call(target, operation, client, **given)
        check(operation, answer)
        return answer

    return call


def check(operation: str, answer: Answer) -> None:
    """Check an answer or an error against the model."""
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", answer.request_id)
    assert answer.about["HTTPHeaders"]["content-type"] == "application/x-amz-json-1.1"
    if answer.code:
        check_error(operation, answer.code)
    else:
        assert answer.status == 200
        check_shape(MODEL.operation_model(operation).output_shape, answer.body, operation)


def check_error(operation: str, code: str) -> None:
    """Demand that an error is one that the operation declares, or one that any service may answer."""
    declared = {shape.name for shape in MODEL.operation_model(operation).error_shapes}
    assert code in declared | COMMON, (operation, code)


def check_shape(shape: Any, value: Any, path: str) -> None:
    """Demand that a value has a shape."""
    match shape.type_name:
        case "structure":
            assert set(value) <= set(shape.members), path
            for name, member in value.items():
                check_shape(shape.members[name], member, f"{path}.{name}")
        case "list":
            check_length(shape, value, path)
            for member in value:
                check_shape(shape.member, member, f"{path}[]")
        case "map":
            for name, member in value.items():
                check_shape(shape.key, name, path)
                check_shape(shape.value, member, f"{path}.{name}")
        case "string":
            check_length(shape, value, path)
            assert not shape.enum or value in shape.enum, (path, value)
            pattern = shape.metadata.get("pattern")
            assert pattern is None or matcher(pattern)(value), (path, value)
        case "boolean":
            assert isinstance(value, bool), path
        case _:
            assert not isinstance(value, bool), path
            assert shape.metadata.get("min", value) <= value <= shape.metadata.get("max", value), (path, value)


def check_length(shape: Any, value: Any, path: str) -> None:
    """Demand that a length is within the shape's."""
    low, high = shape.metadata.get("min", 0), shape.metadata.get("max", len(value))
    if shape.type_name == "list":
        low = 0  # programs loop over DeletedFaces, of which there may be none
    assert low <= len(value) <= high, path
