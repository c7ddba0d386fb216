"""Resampling by ONNX Runtime: pixels in any size become the planes that a convolution reads.

Pillow filters an RGB image at 3.1 ns a value and leaves it interleaved in bytes; the runtime's bilinear kernel takes
1.8 ns and what comes out is what the model eats (measured on one EPYC core, 1024 to 1600 pixels).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper

from fotofila.core.inference.session import Session


def resample(pixels: NDArray[np.uint8], *, width: int, height: int) -> NDArray[np.float32]:
    """Bilinear, pixel centres aligned, no filter: (H, W, 3) uint8 to (1, 3, height, width) float32 0-255.

    Below half the size it skips pixels; reduce first.
    """
    sizes = np.array([1, 3, height, width], np.int64)
    planes: NDArray[np.float32] = _session().run(pixels=pixels[None], sizes=sizes)[0]
    return planes


@lru_cache(maxsize=1)
def _session() -> Session:
    nodes = [
        helper.make_node("Transpose", ["pixels"], ["bytes"], perm=[0, 3, 1, 2]),
        helper.make_node("Cast", ["bytes"], ["values"], to=TensorProto.FLOAT),
        helper.make_node("Resize", ["values", "", "", "sizes"], ["planes"], mode="linear"),
    ]
    shape: Any = [1, "H", "W", 3]
    graph = helper.make_graph(
        nodes,
        "resample",
        [
            helper.make_tensor_value_info("pixels", TensorProto.UINT8, shape),
            helper.make_tensor_value_info("sizes", TensorProto.INT64, [4]),
        ],
        [helper.make_tensor_value_info("planes", TensorProto.FLOAT, [1, 3, None, None])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return Session(model.SerializeToString())
