"""SFace (OpenCV model zoo, 2021dec): batches, and nothing in the way of the runtime's blocked convolutions.

The block-quantised publication of the same network is read too: its weights are worked out when they are folded, so
it is a smaller download, runs as fast, and answers with a cosine of 0.998 to the full one.

As published every weight is also a graph input, so nothing may be folded, and each PRelu leaves the blocked layout.
Here weights are constants, batch norms and the input's scale are folded into the convolutions, and PRelu is written as
two operations that the blocked layout has. With slope a and s = 1 - a folded into the convolution before it (z = s x):

    prelu(x) = a x + (1 - a) relu(x) = (a / s) z + relu(z)            where s > 0
    -prelu(x) = -x - (a - 1) min(x, 0) = (-1 / s) z + relu(z)         where s < 0

so it is one depthwise 1x1 convolution, one relu and one sum; the sign goes into the weights that read it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from fotofila.core.inference.constants import fold_constants

SMALLEST_SCALE = 1e-3
"""A slope this near to one counts as this far from it: dividing by less would lose digits."""

Array = NDArray[np.float64]


@dataclass(slots=True)
class _Graph:
    """The new graph while it is written. `gain` is what the next layer multiplies each input channel by."""

    current: str
    gain: Array
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    tensors: dict[str, Array] = field(default_factory=dict)

    def add(self, operation: str, inputs: list[str], output: str, **attributes: Any) -> None:
        self.nodes.append(helper.make_node(operation, inputs, [output], **attributes))


def rewrite_sface(model: onnx.ModelProto) -> onnx.ModelProto:
    """Input `pixels` (N, 112, 112, 3) uint8 RGB; output `embedding` (N, 128) float32, not normalised."""
    nodes, constants = fold_constants(model.graph)
    weights = {name: value.astype(np.float64) for name, value in constants.items()}
    offset, scale = (float(weights[node.input[1]].item()) for node in nodes[:2])
    graph = _Graph(current="centred", gain=np.full(3, scale))
    graph.tensors["offset"] = np.full((1, 1, 1, 1), offset)
    graph.add("Transpose", ["pixels"], "planes", perm=[0, 3, 1, 2])
    graph.add("Cast", ["planes"], "values", to=TensorProto.FLOAT)
    graph.add("Sub", ["values", "offset"], "centred")
    for layer, (convolution, norm, prelu) in enumerate(_layers(nodes)):
        _write_layer(graph, layer, convolution, norm, weights, weights[prelu.input[1]].ravel())
    _write_embedding(graph, nodes[-5:], weights)
    tensors = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in graph.tensors.items()]
    pixels = helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["N", 112, 112, 3])
    embedding = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["N", 128])
    made = helper.make_graph(graph.nodes, "sface", [pixels], [embedding], tensors)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def _layers(nodes: list[onnx.NodeProto]) -> Iterator[tuple[onnx.NodeProto, onnx.NodeProto, onnx.NodeProto]]:
    """The convolution, batch norm and PRelu of each of the 27 layers, which follow the input's offset and scale."""
    for at in range(2, len(nodes) - 5, 3):
        layer = (nodes[at], nodes[at + 1], nodes[at + 2])
        if [node.op_type for node in layer] != ["Conv", "BatchNormalization", "PRelu"]:
            raise ValueError(f"not the SFace graph that this rewrite knows: {layer[0].name}")
        yield layer


def _norm_terms(norm: onnx.NodeProto, weights: dict[str, Array]) -> tuple[Array, Array]:
    """A batch norm as x * gain + shift."""
    gamma, beta, mean, variance = (weights[name] for name in norm.input[1:])
    epsilon = next(a.f for a in norm.attribute if a.name == "epsilon")
    gain = gamma / np.sqrt(variance + epsilon)
    return gain, beta - mean * gain


def _write_layer(
    graph: _Graph,
    layer: int,
    convolution: onnx.NodeProto,
    norm: onnx.NodeProto,
    weights: dict[str, Array],
    slope: Array,
) -> None:
    gain, shift = _norm_terms(norm, weights)
    kernel = weights[convolution.input[1]]
    depthwise = kernel.shape[1] == 1
    kernel = kernel * (graph.gain[:, None, None, None] if depthwise else graph.gain[None, :, None, None])
    scale = np.where(np.abs(1 - slope) < SMALLEST_SCALE, SMALLEST_SCALE, 1 - slope)
    slope = 1 - scale
    graph.tensors[f"kernel_{layer}"] = kernel * (gain * scale)[:, None, None, None]
    graph.tensors[f"bias_{layer}"] = shift * scale
    graph.tensors[f"slope_{layer}"] = np.where(scale > 0, slope / scale, -1 / scale).reshape(-1, 1, 1, 1)
    attributes = {a.name: helper.get_attribute_value(a) for a in convolution.attribute}
    z, out = f"z_{layer}", f"layer_{layer}"
    graph.add("Conv", [graph.current, f"kernel_{layer}", f"bias_{layer}"], z, **attributes)
    graph.add("Relu", [z], f"relu_{layer}")
    graph.add("Conv", [z, f"slope_{layer}"], f"linear_{layer}", group=slope.size, kernel_shape=[1, 1])
    graph.add("Add", [f"linear_{layer}", f"relu_{layer}"], out)
    graph.current, graph.gain = out, np.sign(scale)


def _write_embedding(graph: _Graph, tail: list[onnx.NodeProto], weights: dict[str, Array]) -> None:
    """Batch norm, dropout, flatten, matrix, batch norm: one matrix."""
    norm, _, _, matrix, last_norm = tail
    gain, shift = _norm_terms(norm, weights)
    last_gain, last_shift = _norm_terms(last_norm, weights)
    kernel, bias = weights[matrix.input[1]], weights[matrix.input[2]]
    cells = kernel.shape[1] // gain.size
    bias = bias + kernel @ np.repeat(shift, cells)
    kernel = kernel * np.repeat(gain * graph.gain, cells)
    graph.tensors["matrix"] = kernel * last_gain[:, None]
    graph.tensors["matrix_bias"] = bias * last_gain + last_shift
    graph.add("Flatten", [graph.current], "flat")
    graph.add("Gemm", ["flat", "matrix", "matrix_bias"], "embedding", transB=1)
