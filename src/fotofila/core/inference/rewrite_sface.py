"""SFace (OpenCV model zoo, 2021dec): batches, blocked convolutions, and the large products in whole numbers.

The block-quantised publication of the same network is read too: its weights are worked out when they are folded, so
it is a smaller download, runs as fast, and answers nearly the same.

As published every weight is also a graph input, so nothing may be folded, and each PRelu leaves the blocked layout.
Here weights are constants, batch norms and the input's scale are folded into the convolutions, and PRelu is written as
two operations that the blocked layout has. With slope a and s = 1 - a folded into the convolution before it (z = s x):

    prelu(x) = a x + (1 - a) relu(x) = (a / s) z + relu(z)            where s > 0
    -prelu(x) = -x - (a - 1) min(x, 0) = (-1 / s) z + relu(z)         where s < 0

so it is one depthwise 1x1 convolution, one relu and one sum; the sign goes into the weights that read it.

The 1x1 convolutions that take three quarters of the time, and the last matrix, are products of bytes with whole
numbers: twice as fast as floats without any special instruction. What they read is scaled to bytes by the layer before
them, at no cost; `sface_bytes` says how. The mean error of the rounded weights is taken out of each bias: with it the
cosine to the float vectors is 0.999 on average, without it 0.99.
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
from fotofila.core.inference.sface_bytes import Array, Levels, levels_of, whole_weights

SMALLEST_SCALE = 1e-3
"""A slope this near to one counts as this far from it: dividing by less would lose digits."""

FIRST_IN_BYTES = 6
"""The first 1x1 convolution in bytes; every second layer follows. Earlier, turning to bytes costs what it saves."""

LAST_LAYER = 26
SIDE = 112
CONTRIB = "com.microsoft"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layer:
    """A convolution, its batch norm as x * gain + shift, and its PRelu."""

    number: int
    kernel: Array
    attributes: dict[str, Any]
    gain: Array
    shift: Array
    centre: Array
    """Of what the batch norm gives, by training; so is the deviation."""
    deviation: Array
    slope: Array

    @property
    def in_bytes(self) -> bool:
        return self.number >= FIRST_IN_BYTES and self.number % 2 == 0

    @property
    def read_in_bytes(self) -> bool:
        return self.number >= FIRST_IN_BYTES - 1 and (self.number % 2 == 1 or self.number == LAST_LAYER)


@dataclass(slots=True)
class _Graph:
    """The new graph while it is written. A channel's value is `gain` times what is in `current`, plus `low`."""

    current: str
    gain: Array
    low: Array
    mean: Array
    """The byte expected in each channel; of no use where `current` is not bytes."""
    side: int = SIDE
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    shapes: list[onnx.ValueInfoProto] = field(default_factory=list)
    tensors: dict[str, NDArray[Any]] = field(default_factory=dict)

    def add(self, operation: str, inputs: list[str], output: str, **attributes: Any) -> None:
        self.nodes.append(helper.make_node(operation, inputs, [output], **attributes))


def rewrite_sface(model: onnx.ModelProto) -> onnx.ModelProto:
    """Input `pixels` (N, 112, 112, 3) uint8 RGB; output `embedding` (N, 128) float32, not normalised."""
    nodes, constants = fold_constants(model.graph)
    weights = {name: value.astype(np.float64) for name, value in constants.items()}
    offset, scale = (float(weights[node.input[1]].item()) for node in nodes[:2])
    graph = _Graph(current="centred", gain=np.full(3, scale), low=np.zeros(3), mean=np.zeros(3))
    graph.tensors |= {"offset": np.full((1, 1, 1, 1), offset), "one": np.array(1.0), "zero": np.array(0, np.uint8)}
    graph.add("Transpose", ["pixels"], "planes", perm=[0, 3, 1, 2])
    graph.add("Cast", ["planes"], "values", to=TensorProto.FLOAT)
    graph.add("Sub", ["values", "offset"], "centred")
    for layer in _layers(nodes, weights):
        _write_layer(graph, layer)
    _write_embedding(graph, nodes[-5:], weights)
    tensors = [numpy_helper.from_array(_narrow(value), name) for name, value in graph.tensors.items()]
    pixels = helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["N", SIDE, SIDE, 3])
    embedding = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["N", 128])
    made = helper.make_graph(graph.nodes, "sface", [pixels], [embedding], tensors, value_info=graph.shapes)
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid(CONTRIB, 1)]
    return helper.make_model(made, opset_imports=opsets, ir_version=8)


def _narrow(value: NDArray[Any]) -> NDArray[Any]:
    return value.astype(np.float32) if value.dtype == np.float64 else value


def _layers(nodes: list[onnx.NodeProto], weights: dict[str, Array]) -> Iterator[_Layer]:
    """The 27 layers, which follow the input's offset and scale."""
    for number, at in enumerate(range(2, len(nodes) - 5, 3)):
        convolution, norm, prelu = nodes[at : at + 3]
        if [node.op_type for node in (convolution, norm, prelu)] != ["Conv", "BatchNormalization", "PRelu"]:
            raise ValueError(f"not the SFace graph that this rewrite knows: {convolution.name}")
        gain, shift = _norm_terms(norm, weights)
        yield _Layer(
            number=number,
            kernel=weights[convolution.input[1]],
            attributes={a.name: helper.get_attribute_value(a) for a in convolution.attribute},
            gain=gain,
            shift=shift,
            centre=weights[norm.input[2]],
            deviation=np.abs(weights[norm.input[1]]),
            slope=weights[prelu.input[1]].ravel(),
        )


def _norm_terms(norm: onnx.NodeProto, weights: dict[str, Array]) -> tuple[Array, Array]:
    """A batch norm as x * gain + shift."""
    gamma, beta, mean, variance = (weights[name] for name in norm.input[1:])
    epsilon = next(a.f for a in norm.attribute if a.name == "epsilon")
    gain = gamma / np.sqrt(variance + epsilon)
    return gain, beta - mean * gain


def _write_layer(graph: _Graph, layer: _Layer) -> None:
    scale = np.where(np.abs(1 - layer.slope) < SMALLEST_SCALE, SMALLEST_SCALE, 1 - layer.slope)
    sign = np.sign(scale)
    levels = levels_of(layer.centre, layer.deviation, layer.slope) if layer.read_in_bytes else None
    factor = layer.gain * scale / (levels.step if levels else 1)
    shift = layer.shift * scale / (levels.step if levels else 1)
    graph.side //= layer.attributes.get("strides", [1])[0]
    if layer.in_bytes:
        z = _write_product(graph, layer, factor, shift)
    else:
        z = _write_convolution(graph, layer, factor, shift)
    _write_prelu(graph, layer.number, z, scale)
    graph.gain, graph.low = sign, np.zeros_like(sign)
    if levels:
        _write_bytes(graph, layer.number, sign, levels)


def _write_convolution(graph: _Graph, layer: _Layer, factor: Array, shift: Array) -> str:
    n, gain = layer.number, graph.gain
    depthwise = layer.kernel.shape[1] == 1
    kernel = layer.kernel * (gain[:, None, None, None] if depthwise else gain[None, :, None, None])
    graph.tensors |= {f"kernel_{n}": kernel * factor[:, None, None, None], f"bias_{n}": shift}
    graph.add("Conv", [graph.current, f"kernel_{n}", f"bias_{n}"], f"z_{n}", **layer.attributes)
    return f"z_{n}"


def _write_product(graph: _Graph, layer: _Layer, factor: Array, shift: Array) -> str:
    """A 1x1 convolution as the product of a matrix of bytes, a row for each pixel, with whole numbers."""
    n, outputs = layer.number, len(factor)
    bias = shift + factor * (layer.kernel[:, :, 0, 0] @ graph.low)
    _multiply(graph, f"rows_{n}", layer.kernel[:, :, 0, 0] * graph.gain * factor[:, None], bias)
    graph.tensors[f"shape_{n}"] = np.array([-1, graph.side, graph.side, outputs], np.int64)
    graph.add("Reshape", [f"rows_{n}", f"shape_{n}"], f"pixels_{n}")
    graph.add("Transpose", [f"pixels_{n}"], f"turned_{n}", perm=[0, 3, 1, 2])
    # A pooling of nothing: with one reader alone the runtime turns and blocks the tensor in one step, and without the
    # shape it would not join the sum below to its convolution.
    graph.add("MaxPool", [f"turned_{n}"], f"z_{n}", kernel_shape=[1, 1])
    shape: list[str | int | None] = ["N", outputs, graph.side, graph.side]
    graph.shapes.append(helper.make_tensor_value_info(f"turned_{n}", TensorProto.FLOAT, shape))
    return f"z_{n}"


def _multiply(graph: _Graph, output: str, weights: Array, bias: Array) -> None:
    """`output` = weights (outputs, inputs) times the bytes in `current`, plus bias."""
    whole, scale = whole_weights(weights)
    # Rounding shifts an output by its weights' errors times what is read on average: that much is known beforehand.
    bias = bias - (whole * scale[:, None] - weights) @ graph.mean
    names = [f"{output}_{part}" for part in ("weights", "scale", "zero", "bias")]
    graph.tensors |= dict(zip(names, (whole.T.copy(), scale, np.zeros(len(scale), np.int8), bias), strict=True))
    inputs = [graph.current, names[0], "one", names[1], "zero", *names[2:]]
    graph.add("MatMulIntegerToFloat", inputs, output, domain=CONTRIB)


def _write_prelu(graph: _Graph, number: int, z: str, scale: Array) -> None:
    slope, out = 1 - scale, f"layer_{number}"
    linear = np.where(scale > 0, slope / scale, -1 / scale)
    graph.tensors[f"slope_{number}"] = linear.reshape(-1, 1, 1, 1)
    graph.add("Relu", [z], f"relu_{number}")
    inputs = [z, f"slope_{number}"]
    graph.add("Conv", inputs, f"linear_{number}", group=scale.size, kernel_shape=[1, 1])
    graph.add("Add", [f"linear_{number}", f"relu_{number}"], out)
    graph.current = out


def _write_bytes(graph: _Graph, number: int, sign: Array, levels: Levels) -> None:
    """Shift what is already scaled to begin at zero, and round it to bytes, a row for each pixel."""
    highest = levels.low + 255 * levels.step
    low = np.where(sign > 0, levels.low, -highest)
    mean = np.where(sign > 0, levels.mean, 255 - levels.mean)
    linear = next(node for node in graph.nodes if node.output[0] == f"linear_{number}")
    linear.input.append(f"lift_{number}")
    graph.tensors[f"lift_{number}"] = -low / levels.step
    graph.add("Transpose", [graph.current], f"last_{number}", perm=[0, 2, 3, 1])
    # The runtime would move the rounding in front of a reshape, and then would not turn and unblock in one step.
    graph.add("Flatten", [f"last_{number}"], f"flat_{number}", axis=1 if number == LAST_LAYER else 3)
    graph.add("QuantizeLinear", [f"flat_{number}", "one", "zero"], f"bytes_{number}")
    graph.current, graph.gain, graph.low, graph.mean = f"bytes_{number}", sign * levels.step, sign * low, mean


def _write_embedding(graph: _Graph, tail: list[onnx.NodeProto], weights: dict[str, Array]) -> None:
    """Batch norm, dropout, flatten, matrix, batch norm: one matrix."""
    norm, _, _, matrix, last_norm = tail
    gain, shift = _norm_terms(norm, weights)
    last_gain, last_shift = _norm_terms(last_norm, weights)
    kernel, bias = weights[matrix.input[1]], weights[matrix.input[2]]
    outputs, cells = len(kernel), kernel.shape[1] // gain.size
    kernel = kernel.reshape(outputs, gain.size, cells)
    bias = bias + np.einsum("oic,i->o", kernel, shift + gain * graph.low)
    kernel = kernel * (gain * graph.gain)[None, :, None] * last_gain[:, None, None]
    graph.mean = np.tile(graph.mean, cells)
    # Published, the cells of a channel follow each other; in our rows, the channels of a cell do.
    flat = kernel.transpose(0, 2, 1).reshape(outputs, -1)
    _multiply(graph, "embedding", flat, bias * last_gain + last_shift)
