"""Rewrites of published models: the same function of the input, or nearly, in a form that ONNX Runtime runs faster.

Each is done once, when the model is fetched, and has a test that compares it with the published model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import onnx

from fotofila.core.inference.rewrite_scrfd import rewrite_scrfd
from fotofila.core.inference.rewrite_sface import rewrite_sface
from fotofila.core.inference.rewrite_yunet import rewrite_yunet


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrite:
    """A function of a model; its revision goes up whenever what it makes changes, so that old files are left."""

    apply: Callable[[onnx.ModelProto], onnx.ModelProto]
    revision: int


REWRITES = {
    "yunet": Rewrite(apply=rewrite_yunet, revision=5),
    "sface": Rewrite(apply=rewrite_sface, revision=2),
    "scrfd": Rewrite(apply=rewrite_scrfd, revision=1),
}


def rewrite_tag(name: str) -> str:
    """Name and revision of a rewrite, as they stand in file names: `sface1`."""
    return f"{name}{REWRITES[name].revision}"


def rewrite_model(name: str, content: bytes) -> bytes:
    """Apply the rewrite `name` to the bytes of an ONNX file; the answer is checked by onnx."""
    rewritten = REWRITES[name].apply(onnx.load_from_string(content))
    onnx.checker.check_model(rewritten)
    serialized: bytes = rewritten.SerializeToString()
    return serialized
