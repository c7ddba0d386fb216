"""YuNet (OpenCV model zoo, 2023mar): any input size, RGB instead of BGR, one head instead of four.

The published graph ends in four pairs of convolutions per stride (class, object, box, landmarks: 1 + 1 + 4 + 10
channels), each a 1x1 convolution followed by a depthwise one. Side by side they are one 1x1 convolution to 16
channels and one depthwise convolution over 16, which fills the runtime's channel blocks of 8 or 16 where the four
narrow ones leave them nearly empty. The sigmoids and reshapes behind them are left to the detector, which needs them
for few cells only.

The two stages before the second pooling, half of all the work, write tensors of 20 MB for a photo of 1280 pixels. They
run strip by strip, each strip with the rows that it needs of its neighbours: those are computed twice, and every number
is the one of the published graph.
"""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from fotofila.core.inference.strips import STAGES, STRIPS

STRIDES = (8, 16, 32)
HEAD_PARTS = ("cls", "obj", "bbox", "kps")
HEAD_CHANNELS = 16

Weights = dict[str, NDArray[np.float32]]


def rewrite_yunet(model: onnx.ModelProto) -> onnx.ModelProto:
    """Inputs `strip_0` ... as `strips.cut` makes them of RGB 0-255, multiples of 32; outputs `cells_8|16|32`.

    An output is (1, 16, H/stride, W/stride): logits of class and object, box (dx, dy, log w, log h), five landmarks
    (dx, dy), all in cells.
    """
    weights: Weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    heads = [node for node in model.graph.node if any(name.startswith("bbox_head") for name in node.input)]
    body = _body(model.graph, {name for node in heads for name in node.output})
    kept: Weights = {name: weights[name] for node in body for name in node.input if name in weights}
    _read_pixels(body[0], kept)
    joined = [_join_head(level, _feature_of(level, heads), weights, kept) for level in range(len(STRIDES))]
    nodes = [*_in_strips(body), *(node for pair in joined for node in pair)]
    inputs = [
        helper.make_tensor_value_info(f"strip_{n}", TensorProto.FLOAT, [1, 1, f"H_{n}", "W"]) for n in range(STRIPS)
    ]
    outputs = [
        helper.make_tensor_value_info(f"cells_{s}", TensorProto.FLOAT, [1, HEAD_CHANNELS, f"H_{s}", f"W_{s}"])
        for s in STRIDES
    ]
    tensors = [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in kept.items()]
    graph = helper.make_graph(nodes, "yunet", inputs, outputs, tensors)
    return helper.make_model(graph, opset_imports=list(model.opset_import), ir_version=model.ir_version)


def _body(graph: onnx.GraphProto, head_tensors: set[str]) -> list[onnx.NodeProto]:
    """The nodes before the heads, reading from `strip`."""
    behind = set(head_tensors)
    body = []
    for node in graph.node:
        if behind.intersection(node.input) or behind.intersection(node.output):
            behind.update(node.output)
            continue
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        if copy.input[0] == graph.input[0].name:
            copy.input[0] = "strip"
        body.append(copy)
    return body


def _read_pixels(first: onnx.NodeProto, kept: Weights) -> None:
    """Let the first convolution read a picture of one channel whose columns are R, G, B, R, G, B ...

    Three planes with a kernel of 3x3 become one plane with a kernel of 3x9 that goes on by whole pixels: the same
    products. It was trained on BGR, so its input channels are turned round.
    """
    colours = kept[first.input[1]][:, ::-1]
    kept[first.input[1]] = colours.transpose(0, 2, 3, 1).reshape(len(colours), 1, 3, 9)
    for attribute in first.attribute:
        if attribute.name in {"kernel_shape", "strides"}:
            attribute.ints[1] *= 3
        elif attribute.name == "pads":
            attribute.ints[1], attribute.ints[3] = attribute.ints[1] * 3, attribute.ints[3] * 3


def _feature_of(level: int, heads: list[onnx.NodeProto]) -> str:
    wanted = f"bbox_head.multi_level_cls.{level}.conv1.weight"
    return next(str(node.input[0]) for node in heads if wanted in node.input)


def _join_head(level: int, feature: str, weights: Weights, kept: Weights) -> tuple[onnx.NodeProto, ...]:
    stride = STRIDES[level]
    for layer in ("conv1", "conv2"):
        for kind in ("weight", "bias"):
            parts = [weights[f"bbox_head.multi_level_{part}.{level}.{layer}.{kind}"] for part in HEAD_PARTS]
            kept[f"head_{stride}.{layer}.{kind}"] = np.concatenate(parts)
    name = f"head_{stride}"
    return (
        helper.make_node("Conv", [feature, f"{name}.conv1.weight", f"{name}.conv1.bias"], [name], kernel_shape=[1, 1]),
        helper.make_node(
            "Conv",
            [name, f"{name}.conv2.weight", f"{name}.conv2.bias"],
            [f"cells_{stride}"],
            kernel_shape=[3, 3],
            pads=[1, 1, 1, 1],
            group=HEAD_CHANNELS,
        ),
    )


def _in_strips(body: list[onnx.NodeProto]) -> list[onnx.NodeProto]:
    """The body, its first stages, each of which ends in a pooling, strip by strip and joined again."""
    end = [at for at, node in enumerate(body) if node.op_type == "MaxPool"][STAGES - 1] + 1
    joined = body[end - 1].output[0]
    strips = [node for number in range(STRIPS) for node in _strip(body[:end], number)]
    join = helper.make_node("Concat", [f"{joined}_{number}" for number in range(STRIPS)], [joined], axis=2)
    return [*strips, join, *body[end:]]


def _strip(stages: list[onnx.NodeProto], number: int) -> list[onnx.NodeProto]:
    """The nodes for one strip. Zeros are padded at the picture's border only; elsewhere the rows are there."""
    nodes = []
    for node in stages:
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        copy.name = ""
        copy.input[0], copy.output[0] = f"{node.input[0]}_{number}", f"{node.output[0]}_{number}"
        for attribute in copy.attribute:
            if attribute.name == "pads" and any(attribute.ints):
                attribute.ints[0], attribute.ints[2] = int(number == 0), int(number == STRIPS - 1)
        nodes.append(copy)
    return nodes
