"""A model that runs: ONNX Runtime on the CPU, with the settings that many photo sizes on few cores want."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import onnxruntime
from numpy.typing import NDArray

from fotofila.core.inference.errors import ModelUnavailableError

WARNINGS_AND_WORSE = 3
"""ONNX Runtime's level "error": its warnings speak of graph details that no operator can mend."""


class Runs(Protocol):
    """A loaded model, whatever runs it. Safe to call from several threads."""

    def run(self, **inputs: NDArray[Any]) -> list[NDArray[Any]]:
        """The outputs, in the order of the file, for inputs given by name."""
        ...


class Session:
    """Runs one model. Safe to call from several threads.

    Threads: one by default. The work is spread over photos, which wastes nothing; threads within a photo spin while
    they wait. Memory: the arena is kept, for without it every photo pays for fresh pages (measured 1.4 times the CPU
    over seven sizes), and memory patterns are off, for they are kept for each size ever seen and sizes never repeat.
    """

    def __init__(self, model: Path | bytes, *, threads: int = 1) -> None:
        """Load `model`, a path or the bytes of an ONNX file.

        Raises:
            ModelUnavailableError: ONNX Runtime cannot load it.
        """
        onnxruntime.disable_telemetry_events()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.enable_mem_pattern = False
        options.log_severity_level = WARNINGS_AND_WORSE
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        source = model if isinstance(model, bytes) else str(model)
        try:
            self._session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # the runtime's own classes are not public
            raise ModelUnavailableError(
                f"ONNX Runtime cannot load {model if isinstance(model, Path) else 'a built-in graph'}: {error}. "
                "Run `fotofila models fetch`, then `fotofila models verify`."
            ) from error
        self._outputs = [output.name for output in self._session.get_outputs()]

    def run(self, **inputs: NDArray[Any]) -> list[NDArray[Any]]:
        """The outputs, in the order of the file, for inputs given by name."""
        outputs: list[NDArray[Any]] = self._session.run(self._outputs, inputs)
        return outputs
