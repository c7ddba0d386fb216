"""The operations that are offered, by name."""

from __future__ import annotations

from collections.abc import Mapping

from fotofila.rekognition.calls import Operation
from fotofila.rekognition.operations import collections, faces, look, search, tags, users

OPERATIONS: Mapping[str, Operation] = {
    operation.name: operation
    for group in (collections, faces, look, search, tags, users)
    for operation in group.OPERATIONS
}
