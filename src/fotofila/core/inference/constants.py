"""What a graph computes from its weights alone, worked out before it is rewritten."""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator


def fold_constants(graph: onnx.GraphProto) -> tuple[list[onnx.NodeProto], dict[str, NDArray[np.generic]]]:
    """The nodes that depend on the input, and every constant that they may read.

    Weights listed as graph inputs count as constants: a published file that lists them so means defaults that nobody
    overrides.
    """
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    kept = []
    for node in graph.node:
        if all(not name or name in constants for name in node.input):
            constants.update(_run(node, constants))
        else:
            kept.append(node)
    return kept, constants


def _run(node: onnx.NodeProto, constants: dict[str, NDArray[np.generic]]) -> dict[str, NDArray[np.generic]]:
    inputs = [name for name in node.input if name]
    graph = helper.make_graph(
        [node],
        "constant",
        [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(constants[n].dtype), None) for n in inputs],
        [helper.make_value_info(name, onnx.TypeProto()) for name in node.output],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])
    answers = ReferenceEvaluator(model).run(None, {name: constants[name] for name in inputs})
    return dict(zip(node.output, answers, strict=True))
