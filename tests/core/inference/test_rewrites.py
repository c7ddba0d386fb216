from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from fotofila.core.inference.fetch import fetch
from fotofila.core.inference.rewrite import rewrite_model
from fotofila.core.inference.session import Session
from fotofila.core.inference.store import load
from fotofila.core.inference.strips import cut
from fotofila.faces.specs import DETECTOR, EMBEDDER, EMBEDDER_FALLBACK

Pixels = NDArray[np.uint8]


def cosines_of(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    cosines: NDArray[np.float32] = (ours * theirs).sum(axis=1) / lengths
    return cosines


@pytest.fixture(scope="session")
def chips(solvay: Pixels) -> Pixels:
    """Four pieces of a real photo; for an equality any piece will do."""
    return np.stack([solvay[1000:1112, x : x + 112] for x in (500, 1000, 1500, 2000)])


@pytest.fixture(scope="session")
def published_vectors(models_dir: Path, chips: Pixels) -> NDArray[np.float32]:
    published = Session(models_dir / EMBEDDER.filename)
    planes = np.ascontiguousarray(chips.transpose(0, 3, 1, 2)).astype(np.float32)
    return np.concatenate([published.run(data=planes[at : at + 1])[0] for at in range(len(planes))])


def test_rewritten_detector_equals_the_published_one(models_dir: Path, solvay: Pixels) -> None:
    pixels = solvay[900:1540, 900:1540]
    published = Session(models_dir / DETECTOR.filename)
    names = [f"{part}_{stride}" for part in ("cls", "obj", "bbox", "kps") for stride in (8, 16, 32)]
    planes = pixels.transpose(2, 0, 1)[None, ::-1].astype(np.float32)
    theirs = dict(zip(names, published.run(input=planes), strict=True))

    ours = Session(load(DETECTOR, models_dir)).run(**cut(pixels, multiple_of=32))

    for stride, cells in zip((8, 16, 32), ours, strict=True):
        flat = cells[0].reshape(16, -1).T
        sigmoid = 1 / (1 + np.exp(-flat[:, :2]))
        np.testing.assert_allclose(sigmoid[:, :1], theirs[f"cls_{stride}"][0], atol=2e-5)
        np.testing.assert_allclose(sigmoid[:, 1:], theirs[f"obj_{stride}"][0], atol=2e-5)
        np.testing.assert_allclose(flat[:, 2:6], theirs[f"bbox_{stride}"][0], atol=2e-4)
        np.testing.assert_allclose(flat[:, 6:], theirs[f"kps_{stride}"][0], atol=2e-4)


@pytest.mark.parametrize(("width", "height", "rows"), [(32, 32, 96), (96, 1600, 1600), (1600, 64, 96), (33, 161, 192)])
def test_rewritten_detector_takes_any_size(models_dir: Path, width: int, height: int, rows: int) -> None:
    outputs = Session(load(DETECTOR, models_dir)).run(**cut(np.zeros((height, width, 3)), multiple_of=32))

    columns = width + -width % 32
    assert [cells.shape for cells in outputs] == [(1, 16, rows // s, columns // s) for s in (8, 16, 32)]


def test_rewritten_embedder_is_near_the_published_one(
    models_dir: Path, chips: Pixels, published_vectors: NDArray[np.float32]
) -> None:
    ours = Session(load(EMBEDDER, models_dir)).run(pixels=chips)[0]

    cosines = cosines_of(ours, published_vectors)
    # Pieces that are not faces are what the layers' ranges were not made for; faces reach 0.999.
    assert cosines.min() > 0.99


def test_rewrite_of_the_embedder_gives_the_same_bytes_each_time(models_dir: Path) -> None:
    published = (models_dir / EMBEDDER.filename).read_bytes()

    assert rewrite_model("sface", published) == rewrite_model("sface", published)


def test_whole_weights_never_overflow_sixteen_bits(models_dir: Path) -> None:
    model = onnx.load(load(EMBEDDER, models_dir))
    whole = [onnx.numpy_helper.to_array(t) for t in model.graph.initializer if t.name.endswith("_weights")]

    assert len(whole) == 12
    for weights in whole:
        pairs = weights.astype(np.int32).reshape(-1, 2, weights.shape[1])
        for side in (np.maximum(pairs, 0), np.maximum(-pairs, 0)):
            assert side.sum(axis=1).max() * 255 <= np.iinfo(np.int16).max


def test_rewritten_embedder_answers_alike_one_by_one_and_in_batches(models_dir: Path, chips: Pixels) -> None:
    session = Session(load(EMBEDDER, models_dir))

    single = np.concatenate([session.run(pixels=chips[at : at + 1])[0] for at in range(len(chips))])

    np.testing.assert_allclose(session.run(pixels=chips)[0], single, atol=2e-6)


def test_block_quantised_embedder_is_near_the_full_one(
    models_dir: Path, chips: Pixels, published_vectors: NDArray[np.float32]
) -> None:
    stored = fetch(EMBEDDER_FALLBACK, models_dir)
    ours = Session(stored.path).run(pixels=chips)[0]

    assert cosines_of(ours, published_vectors).min() > 0.99
