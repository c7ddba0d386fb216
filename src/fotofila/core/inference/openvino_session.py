"""SFace on OpenVINO, where that is installed (`pip install fotofila[openvino]`): a fifth less CPU than ONNX Runtime.

OpenVINO joins a convolution, the PRelu behind it and the rounding to bytes in one pass; ONNX Runtime needs five. The
whole numbers and scales are those of the rewritten file, so the vectors are nearly the same and no other file is
fetched. The detector stays with ONNX Runtime, which is faster there.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from fotofila.core.inference.errors import ModelUnavailableError
from fotofila.core.inference.session import Runs, Session

LAYERS = 27


def fastest_session(path: Path, *, threads: int = 1) -> Runs:
    """The rewritten SFace at `path` on OpenVINO where it is installed, or else on ONNX Runtime.

    Raises:
        ModelUnavailableError: the model cannot be loaded.
    """
    if importlib.util.find_spec("openvino") is None:
        return Session(path, threads=threads)
    return OpenVinoSession(path, threads=threads)


class OpenVinoSession:
    """Runs the rewritten SFace on OpenVINO. Safe to call from several threads."""

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        """Load the file that `rewrite_sface` made.

        Raises:
            ModelUnavailableError: OpenVINO cannot load it.
        """
        settings = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32"}
        try:
            core: Any = _openvino().Core()
            model = core.read_model(openvino_form(onnx.load(path)).SerializeToString())
            self._compiled = core.compile_model(model, "CPU", settings)
        except (ImportError, RuntimeError, KeyError) as error:
            raise ModelUnavailableError(
                f"OpenVINO cannot load {path}: {error}. Run `fotofila models fetch`, or `pip uninstall openvino`: "
                "ONNX Runtime then does its work."
            ) from error

    def run(self, **inputs: NDArray[Any]) -> list[NDArray[Any]]:
        """The outputs, in the order of the file, for inputs given by name."""
        request = self._compiled.create_infer_request()
        return [np.array(output) for output in request.infer(inputs).values()]


def _openvino() -> Any:
    """OpenVINO, dumb: with its package `openvino_telemetry` it reports to its makers whenever it is imported."""
    # A module that is None cannot be imported; OpenVINO then takes the stub that it has for this case.
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    return importlib.import_module("openvino")


def openvino_form(model: onnx.ModelProto) -> onnx.ModelProto:
    """What `rewrite_sface` made, with convolutions, PRelu and pairs of Quantize and Dequantize in standard operators.

    There a layer ends in relu(z) + l z, which is prelu((1 + l) z) with a slope of l / (1 + l).
    """
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    made = {node.output[0]: node for node in model.graph.node}
    nodes = list(model.graph.node)[:3]
    kept = {name: tensors[name] for name in ("offset", "one", "zero")}
    current = nodes[-1].output[0]
    for number in range(LAYERS):
        linear = tensors[f"slope_{number}"].ravel()
        nodes += _convolution(number, current, 1 + linear, tensors, made, kept)
        kept[f"slope_{number}"] = (linear / (1 + linear)).reshape(-1, 1, 1)
        nodes.append(helper.make_node("PRelu", [f"z_{number}", f"slope_{number}"], [f"layer_{number}"]))
        current = f"layer_{number}"
        if f"lift_{number}" in tensors:
            kept[f"lift_{number}"] = tensors[f"lift_{number}"].reshape(1, -1, 1, 1)
            nodes += _bytes(number, current)
            current = f"read_{number}"
    nodes += _matrix(current, tensors, kept)
    initializers = [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in kept.items()]
    graph = helper.make_graph(nodes, "sface", list(model.graph.input), list(model.graph.output), initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def _convolution(
    number: int,
    current: str,
    factor: NDArray[np.float32],
    tensors: dict[str, NDArray[Any]],
    made: dict[str, onnx.NodeProto],
    kept: dict[str, NDArray[Any]],
) -> list[onnx.NodeProto]:
    """`z_N`, times `factor` by channel."""
    kernel, bias = f"kernel_{number}", f"bias_{number}"
    if kernel in tensors:
        kept |= {kernel: tensors[kernel] * factor.reshape(-1, 1, 1, 1), bias: tensors[bias] * factor}
        attributes = {a.name: helper.get_attribute_value(a) for a in made[f"z_{number}"].attribute}
        return [helper.make_node("Conv", [current, kernel, bias], [f"z_{number}"], **attributes)]
    whole, scale, zero = (f"rows_{number}_{part}" for part in ("weights", "scale", "zero"))
    kept |= {whole: tensors[whole].T[:, :, None, None], scale: tensors[scale] * factor, zero: tensors[zero]}
    kept[bias] = tensors[f"rows_{number}_bias"] * factor
    return [
        helper.make_node("DequantizeLinear", [whole, scale, zero], [kernel], axis=0),
        helper.make_node("Conv", [current, kernel, bias], [f"z_{number}"], kernel_shape=[1, 1]),
    ]


def _bytes(number: int, current: str) -> list[onnx.NodeProto]:
    """`read_N`: `current`, lifted, as bytes."""
    return [
        helper.make_node("Add", [current, f"lift_{number}"], [f"lifted_{number}"]),
        helper.make_node("QuantizeLinear", [f"lifted_{number}", "one", "zero"], [f"bytes_{number}"]),
        helper.make_node("DequantizeLinear", [f"bytes_{number}", "one", "zero"], [f"read_{number}"]),
    ]


def _matrix(current: str, tensors: dict[str, NDArray[Any]], kept: dict[str, NDArray[Any]]) -> list[onnx.NodeProto]:
    """`embedding`; the rows of our matrix go through the channels of a cell first, so the cells are turned to that."""
    names = [f"embedding_{part}" for part in ("weights", "scale", "zero")]
    kept |= {name: tensors[name] for name in (*names, "embedding_bias")}
    return [
        helper.make_node("Transpose", [current], ["turned"], perm=[0, 2, 3, 1]),
        helper.make_node("Flatten", ["turned"], ["flat"]),
        helper.make_node("DequantizeLinear", names, ["matrix"], axis=1),
        helper.make_node("Gemm", ["flat", "matrix", "embedding_bias"], ["embedding"]),
    ]
