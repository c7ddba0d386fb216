"""SCRFD for pictures of any size: the published file is fixed to 640 x 640, its layers are not."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper

DOUBLED = np.array([1, 1, 2, 2], np.float32)


def rewrite_scrfd(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same function of a picture of 640 x 640, and of every other whose sides are multiples of 32.

    The two layers that double a map say so by its size in the published file; here they say it by the factor. The
    rows of the outputs stay in the order of the cells, two anchors each.
    """
    graph = model.graph
    graph.initializer.append(numpy_helper.from_array(DOUBLED, "doubled"))
    graph.initializer.append(numpy_helper.from_array(np.zeros(0, np.float32), "no_region"))
    for node in graph.node:
        if node.op_type == "Resize":
            del node.input[1:]
            node.input.extend(["no_region", "doubled"])
    unused = [each for each in graph.initializer if not any(each.name in node.input for node in graph.node)]
    for each in unused:
        graph.initializer.remove(each)
    picture = graph.input[0]
    graph.input[0].CopyFrom(
        helper.make_tensor_value_info(picture.name, onnx.TensorProto.FLOAT, [1, 3, "height", "width"])
    )
    for output in list(graph.output):
        numbers = output.type.tensor_type.shape.dim[2].dim_value
        output.CopyFrom(helper.make_tensor_value_info(output.name, onnx.TensorProto.FLOAT, [1, None, numbers]))
    del graph.value_info[:]
    return model
