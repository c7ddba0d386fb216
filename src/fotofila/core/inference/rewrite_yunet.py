"""YuNet (OpenCV model zoo, 2023mar): any input size, RGB instead of BGR, one head instead of four.

The published graph ends in four pairs of convolutions per stride (class, object, box, landmarks: 1 + 1 + 4 + 10
channels), each a 1x1 convolution followed by a depthwise one. Side by side they are one 1x1 convolution to 16
channels and one depthwise convolution over 16, which fills the runtime's channel blocks of 8 or 16 where the four
narrow ones leave them nearly empty. The sigmoids and reshapes behind them are left to the detector, which needs them
for few cells only.
"""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

STRIDES = (8, 16, 32)
HEAD_PARTS = ("cls", "obj", "bbox", "kps")
HEAD_CHANNELS = 16
STRIPS = 8
STAGE_STRIDE = 4
"""Of what the first stage makes: a strip is whole rows of it."""

Weights = dict[str, NDArray[np.float32]]


def rewrite_yunet(model: onnx.ModelProto) -> onnx.ModelProto:
    """Input `pixels` (1, 3, H, W) float32 RGB 0-255, H and W multiples of 32; outputs `cells_8|16|32`.

    An output is (1, 16, H/stride, W/stride): logits of class and object, box (dx, dy, log w, log h), five landmarks
    (dx, dy), all in cells.
    """
    weights: Weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    heads = [node for node in model.graph.node if any(name.startswith("bbox_head") for name in node.input)]
    body = _body(model.graph, {name for node in heads for name in node.output})
    kept: Weights = {name: weights[name] for node in body for name in node.input if name in weights}
    _swap_channels(body[0], kept)
    joined = [_join_head(level, _feature_of(level, heads), weights, kept) for level in range(len(STRIDES))]
    nodes = [*body, *(node for pair in joined for node in pair)]
    pixels = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, [1, 3, "H", "W"])
    outputs = [
        helper.make_tensor_value_info(f"cells_{s}", TensorProto.FLOAT, [1, HEAD_CHANNELS, f"H_{s}", f"W_{s}"])
        for s in STRIDES
    ]
    nodes, bounds = _in_strips(nodes)
    tensors = [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in kept.items()]
    tensors += [numpy_helper.from_array(value, name) for name, value in bounds.items()]
    graph = helper.make_graph(nodes, "yunet", [pixels], outputs, tensors)
    return helper.make_model(graph, opset_imports=list(model.opset_import), ir_version=model.ir_version)


def _body(graph: onnx.GraphProto, head_tensors: set[str]) -> list[onnx.NodeProto]:
    """The nodes before the heads, reading from `pixels`."""
    behind = set(head_tensors)
    body = []
    for node in graph.node:
        if behind.intersection(node.input) or behind.intersection(node.output):
            behind.update(node.output)
            continue
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        if copy.input[0] == graph.input[0].name:
            copy.input[0] = "pixels"
        body.append(copy)
    return body


def _swap_channels(first: onnx.NodeProto, kept: Weights) -> None:
    """The first convolution was trained on BGR: with its input channels turned round it reads RGB."""
    kept[first.input[1]] = kept[first.input[1]][:, ::-1]


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


def _in_strips(nodes: list[onnx.NodeProto]) -> tuple[list[onnx.NodeProto], dict[str, NDArray[np.int64]]]:
    """The first stage, up to its pooling, strip by strip and joined again; and the constants that the cutting needs.

    A row of the stage needs the input rows from three above its own four to one below them (two 3x3 convolutions, the
    first of stride 2). Strips at the top and bottom keep the padding there, the others read what is really next.
    """
    end = next(at for at, node in enumerate(nodes) if node.op_type == "MaxPool") + 1
    stage, rest = nodes[:end], nodes[end:]
    constants = {"axis": np.array([2]), "stride": np.array([STAGE_STRIDE]), "strips": np.array([STRIPS])}
    constants |= {"above": np.array([-3]), "below": np.array([2])}
    cut = [
        helper.make_node("Shape", ["pixels"], ["shape"]),
        helper.make_node("Gather", ["shape", "axis"], ["height"], axis=0),
        helper.make_node("Div", ["height", "stride"], ["rows"]),
    ]
    parts = []
    for strip in range(STRIPS):
        cut += _cut(strip, constants)
        names = {"pixels": f"strip_{strip}"}
        for node in stage:
            copy = _renamed(node, names, strip)
            _pad_at_the_border_only(copy, top=strip == 0, bottom=strip == STRIPS - 1)
            cut.append(copy)
        parts.append(names[stage[-1].output[0]])
    join = helper.make_node("Concat", parts, [stage[-1].output[0]], axis=2)
    return [*cut, join, *rest], {name: value.astype(np.int64) for name, value in constants.items()}


def _cut(strip: int, constants: dict[str, NDArray[np.int64]]) -> list[onnx.NodeProto]:
    """Input rows from 4 * (rows * strip // strips) - 3 to 4 * (rows * (strip + 1) // strips) + 2."""
    nodes = []
    for side, number, room in (("from", strip, "above"), ("to", strip + 1, "below")):
        name = f"{side}_{strip}"
        if number in {0, STRIPS}:
            constants[name] = np.array([0 if number == 0 else np.iinfo(np.int64).max])
            continue
        constants[f"{name}_number"] = np.array([number])
        nodes += [
            helper.make_node("Mul", ["rows", f"{name}_number"], [f"{name}_product"]),
            helper.make_node("Div", [f"{name}_product", "strips"], [f"{name}_row"]),
            helper.make_node("Mul", [f"{name}_row", "stride"], [f"{name}_pixel"]),
            helper.make_node("Add", [f"{name}_pixel", room], [name]),
        ]
    nodes.append(helper.make_node("Slice", ["pixels", f"from_{strip}", f"to_{strip}", "axis"], [f"strip_{strip}"]))
    return nodes


def _renamed(node: onnx.NodeProto, names: dict[str, str], strip: int) -> onnx.NodeProto:
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    copy.name = ""
    copy.input[0] = names[node.input[0]]
    names[node.output[0]] = copy.output[0] = f"{node.output[0]}_{strip}"
    return copy


def _pad_at_the_border_only(node: onnx.NodeProto, *, top: bool, bottom: bool) -> None:
    for attribute in node.attribute:
        if attribute.name == "pads" and any(attribute.ints):
            attribute.ints[0], attribute.ints[2] = int(top), int(bottom)
