"""CPU of face detection and embedding beside OpenCV and dlib: `python -m bench faces-speed --vision-only`.

The same pixels, the same size, the same thresholds, one thread each, in turns within one process; the median CPU time
of all rounds. Without `--photos` the demo photo is taken.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from PIL import Image

from bench.peers import SCORE as LEAST_SCORE
from bench.peers import Dlib, OpenCv
from fotofila.core.inference.fetch import fetch, fetch_all
from fotofila.core.inference.openvino_session import OpenVinoSession, fastest_session
from fotofila.core.inference.session import Runs, Session
from fotofila.core.inference.store import load
from fotofila.faces.align import cut_out
from fotofila.faces.analyzer import AnalyzeOptions, FaceAnalyzer
from fotofila.faces.detector import detect
from fotofila.faces.embedder import SIDE, TEMPLATE, embed
from fotofila.faces.fusion import Detections, Scale
from fotofila.faces.specs import DEMO_PHOTOS, DETECTOR, EMBEDDER

LONG_SIDE = 1280
ROUNDS = 7
PEER_FOLDER = Path(__file__).parent / "out" / "peers"
DETECTION_AIM = 0.55
EMBEDDING_AIM = 0.6

Pixels = NDArray[np.uint8]


def vision_speed(models_dir: Path, *, photos: Sequence[Path] = (), rounds: int = ROUNDS) -> dict[str, Any]:
    """Measure and print; milliseconds of CPU per photo (detection, analysis) and per face (embedding)."""
    for spec in (DETECTOR, EMBEDDER):
        fetch(spec, models_dir)
    paths = list(photos) or [file.path for file in fetch_all(DEMO_PHOTOS, models_dir)]
    pictures = [sized(path) for path in paths]
    opencv, dlib = OpenCv(models_dir), Dlib(PEER_FOLDER)
    detection = compare_detection(models_dir, opencv, dlib, pictures, rounds)
    embedding = compare_embedding(models_dir, opencv, dlib, pictures, rounds)
    return {
        "photos": len(pictures),
        "long_side": LONG_SIDE,
        "detection": detection,
        "embedding": embedding,
        "analysis": whole_analysis(models_dir, [read(path) for path in paths], rounds),
    }


def compare_detection(
    models_dir: Path, opencv: OpenCv, dlib: Dlib, pictures: list[Pixels], rounds: int
) -> dict[str, Any]:
    session = Session(load(DETECTOR, models_dir))
    found = {"ours": 0, "opencv": 0, "dlib_hog": 0}
    spent: dict[str, list[Spent]] = {name: [] for name in found}
    for picture in pictures:
        bgr = np.ascontiguousarray(picture[:, :, ::-1])
        ways: dict[str, Callable[[], Any]] = {
            "ours": partial(ours, session, picture),
            "opencv": partial(opencv.detect, bgr),
            "dlib_hog": partial(dlib.detect, picture),
        }
        for name, turns in in_turns(ways, rounds).items():
            spent[name].append(turns)
            found[name] += len(ways[name]())
    return told("detection, per photo", spent, DETECTION_AIM) | {"faces_found": found}


def compare_embedding(
    models_dir: Path, opencv: OpenCv, dlib: Dlib, pictures: list[Pixels], rounds: int
) -> dict[str, Any]:
    detector, embedder = Session(load(DETECTOR, models_dir)), fastest_session(load(EMBEDDER, models_dir))
    default = Session(load(EMBEDDER, models_dir))
    spent: dict[str, list[Spent]] = {}
    cosines: list[float] = []
    for picture in pictures:
        bgr = np.ascontiguousarray(picture[:, :, ::-1])
        faces, theirs, boxes = ours(detector, picture), opencv.detect(bgr), dlib.detect(picture)
        if not (len(faces) and len(theirs)):
            continue
        points = [face[5:].reshape(5, 2).astype(np.float64) for face in faces]
        counts = {"ours": len(faces), "opencv": len(theirs), "dlib_resnet": len(boxes)}
        ways: dict[str, Callable[[], Any]] = {
            "ours": partial(vectors, embedder, picture, points),
            "opencv": partial(opencv.embed, bgr, theirs),
        }
        if isinstance(embedder, OpenVinoSession):
            ways["ours_without_openvino"] = partial(vectors, default, picture, points)
            counts["ours_without_openvino"] = len(faces)
        if dlib.without is None and boxes:
            ways["dlib_resnet"] = partial(dlib.embed, picture, boxes)
        for name, turns in in_turns(ways, rounds).items():
            spent.setdefault(name, []).append(turns.over(counts[name]))
        # On the very same points: what differs is the rewrite, the runtime and the resampling.
        same_points = opencv.detect(bgr)[:, 4:14].reshape(-1, 5, 2).astype(np.float64)
        both = vectors(embedder, picture, list(same_points)) * opencv.embed(bgr, theirs)
        cosines += both.sum(axis=1).tolist()
    result = told("embedding, per face", spent, EMBEDDING_AIM)
    result["runtime"] = "OpenVINO" if isinstance(embedder, OpenVinoSession) else "ONNX Runtime"
    result["cosine_to_opencv"] = round(statistics.median(cosines), 4)
    result["multiply_floor_ms"] = round(multiply_floor(models_dir), 2)
    print(f"    ours by {result['runtime']}")
    print(f"    the multiplications alone take {result['multiply_floor_ms']} ms in float32 on this processor")
    if dlib.without:
        print(f"dlib stands beside us with HOG alone: {dlib.without}")
    return result


def whole_analysis(models_dir: Path, pictures: list[Pixels], rounds: int) -> dict[str, float]:
    """Our own analysis of the photos in their own size, as the worker runs it."""
    analyzer = FaceAnalyzer(models_dir)
    settings = {
        "fast": AnalyzeOptions(detection="fast"),
        "accurate": AnalyzeOptions(),
        "accurate_with_embedding": AnalyzeOptions(embed=True),
    }
    totals = dict.fromkeys(settings, 0.0)
    for picture in pictures:
        ways: dict[str, Callable[[], Any]] = {
            name: partial(analyzer.analyze, picture, options) for name, options in settings.items()
        }
        for name, turns in in_turns(ways, rounds).items():
            totals[name] += turns.median / len(pictures)
    print("analysis, per photo in its own size:", {name: f"{value:.0f} ms" for name, value in totals.items()})
    return {name: round(value, 1) for name, value in totals.items()}


def ours(session: Session, picture: Pixels) -> Detections:
    """One size, the photo's own: what OpenCV does."""
    height, width = picture.shape[:2]
    scale = Scale(width=width, height=height, ratio=1.0)
    return detect(session, picture, (scale,), floor=LEAST_SCORE)


def vectors(session: Runs, picture: Pixels, points: list[NDArray[np.float64]]) -> NDArray[np.float32]:
    return embed(session, np.stack([cut_out(picture, five, TEMPLATE, SIDE) for five in points]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """CPU milliseconds over the rounds; the best is what is left when the neighbours on the machine are quiet."""

    median: float
    best: float

    def over(self, count: int) -> Spent:
        """The share of one of `count`."""
        return Spent(median=self.median / count, best=self.best / count)


def in_turns(ways: dict[str, Callable[[], Any]], rounds: int) -> dict[str, Spent]:
    """CPU milliseconds of each, in turns; before a call that counts comes one that does not.

    So each is measured as it runs photo after photo, not with the caches that another one left behind.
    """
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, call in ways.items():
            call()
            start = time.process_time_ns()
            call()
            spent[name].append((time.process_time_ns() - start) / 1e6)
    return {name: Spent(median=statistics.median(values), best=min(values)) for name, values in spent.items()}


def told(what: str, spent: dict[str, list[Spent]], aim: float) -> dict[str, Any]:
    medians = {name: statistics.fmean(turn.median for turn in turns) for name, turns in spent.items() if turns}
    best = {name: statistics.fmean(turn.best for turn in turns) for name, turns in spent.items() if turns}
    ratio, best_ratio = (values["ours"] / values["opencv"] for values in (medians, best))
    print(f"{what}:", {name: f"{value:.1f} ms" for name, value in medians.items()})
    print(f"    ours / OpenCV: {ratio:.2f} by the median, {best_ratio:.2f} by the best round; aim: at most {aim}")
    return {
        "cpu_ms": {name: round(value, 2) for name, value in medians.items()},
        "best_cpu_ms": {name: round(value, 2) for name, value in best.items()},
        "ratio_to_opencv": round(ratio, 3),
        "best_ratio_to_opencv": round(best_ratio, 3),
        "aim": aim,
    }


def sized(path: Path) -> Pixels:
    with Image.open(path) as image:
        rgb = image.convert("RGB")
    ratio = LONG_SIDE / max(rgb.size)
    size = (round(rgb.width * ratio), round(rgb.height * ratio))
    return np.asarray(rgb.resize(size, Image.Resampling.LANCZOS))


def read(path: Path) -> Pixels:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def multiply_floor(models_dir: Path) -> float:
    """Milliseconds that the multiplications of one embedding take at the speed of this processor's matrix product.

    What no float32 runtime can go below here: ours multiplies most of it in bytes.
    """
    side = 512
    matrix = np.random.default_rng(0).random((side, side), np.float32)
    shape = [side, side]
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("MatMul", ["a", "b"], ["c"])],
        "product",
        [onnx.helper.make_tensor_value_info("a", onnx.TensorProto.FLOAT, shape)],
        [onnx.helper.make_tensor_value_info("c", onnx.TensorProto.FLOAT, shape)],
        [onnx.numpy_helper.from_array(matrix, "b")],
    )
    opset = onnx.helper.make_opsetid("", 13)
    product = Session(onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8).SerializeToString())
    milliseconds = in_turns({"product": partial(product.run, a=matrix)}, ROUNDS)["product"].best
    return milliseconds * multiplications(models_dir / EMBEDDER.filename) / side**3


def multiplications(path: Path) -> int:
    """Of one input through the convolutions and matrices of an ONNX file."""
    graph = onnx.shape_inference.infer_shapes(onnx.load(path)).graph
    shapes = {
        value.name: [d.dim_value or 1 for d in value.type.tensor_type.shape.dim]
        for value in (*graph.value_info, *graph.output)
    }
    sizes = {tensor.name: math.prod(tensor.dims) for tensor in graph.initializer}
    total = 0
    for node in graph.node:
        if node.op_type in {"Conv", "Gemm"}:
            total += sizes[node.input[1]] * math.prod(shapes[node.output[0]][2:])
    return total
