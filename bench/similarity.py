"""Fits the curve of similarity on labelled people, and checks it on others: `python -m bench similarity --data FOLDER`.

The people of lfw are split in two by a hash of their names. The curve is fitted on pairs within one half, and checked
on pairs within the other: nobody is in both. Every pair of photos of different people counts, so a half gives far more
pairs than the labelled list has.

The fit: -log10 of the share of different people that reach a cosine, as a quadratic of the cosine, between shares of
10 % and 0.01 %; of a normal distribution it is nearly one. Similarity 80 stands where the share is 1 in 1,000, 99 where
it is 1 in 100,000, and the logit of similarity is linear in the number of zeros between and beyond.
"""

from __future__ import annotations

import argparse
import hashlib
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.faces_accuracy import central_face
from bench.labelled import read_pixels
from fotofila.core.inference.store import default_models_dir
from fotofila.faces.analyzer import AnalyzeOptions, FaceAnalyzer
from fotofila.faces.collections.similarity import cosine_for
from fotofila.faces.packs import PACKS

ZEROS = (0.3, 1, 2, 3, 4, 5, 6, 8)
"""-log10 of the false-match rates at which the curve has a knot."""
FITTED = np.logspace(-1, -4, 31)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Cosines of pairs of photos."""

    same: NDArray[np.float64]
    different: NDArray[np.float64]


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench similarity")
    parser.add_argument("--data", type=Path, required=True, help="folder with lfw")
    parser.add_argument("--models", type=Path, default=default_models_dir())
    parser.add_argument("--pack", choices=sorted(PACKS), default="permissive")
    arguments = parser.parse_args(argv)
    pack = PACKS[arguments.pack]
    people = vectors_of(FaceAnalyzer(arguments.models, pack=pack), arguments.data / "lfw" / "images")
    halves = [{name: found for name, found in people.items() if half_of(name) == half} for half in (0, 1)]
    fit_on, check_on = (pairs_of(half) for half in halves)
    print(f"{pack.model}: fitted on {len(halves[0])} people, {len(fit_on.different)} pairs of different ones")
    for cosine, value in knots(fit_on.different):
        print(f"    ({cosine:.4f}, {value:.4f}),")
    print(f"the published curve, checked on {len(halves[1])} other people:")
    print_check(pack.model, check_on)
    print("the same on all pairs, those of the fit among them:")
    print_check(pack.model, pairs_of(people))
    return 0


def vectors_of(analyzer: FaceAnalyzer, folder: Path) -> dict[str, list[NDArray[np.float32]]]:
    """The vectors of each person's photos."""
    options = AnalyzeOptions(age=False, gender=False, embed=True, min_confidence=0.05)
    people: dict[str, list[NDArray[np.float32]]] = {}
    for path in sorted(folder.iterdir()):
        face = central_face(analyzer.analyze(read_pixels(path), options))
        if face is not None and face.embedding is not None:
            people.setdefault(path.stem.rsplit("_", 1)[0], []).append(face.embedding)
    return people


def half_of(name: str) -> int:
    return hashlib.sha256(name.encode()).digest()[0] % 2


def pairs_of(people: dict[str, list[NDArray[np.float32]]]) -> Pairs:
    who = np.repeat(np.arange(len(people)), [len(found) for found in people.values()])
    vectors = np.stack([vector for found in people.values() for vector in found]).astype(np.float64)
    first, second = np.triu_indices(len(vectors), 1)
    cosines = (vectors @ vectors.T)[first, second]
    same = who[first] == who[second]
    return Pairs(same=cosines[same], different=cosines[~same])


def knots(different: NDArray[np.float64]) -> list[tuple[float, float]]:
    """Cosines and the logit of similarity / 100, as `Curve` wants them."""
    cosines = np.quantile(different, 1 - FITTED)
    square, slope, offset = np.polyfit(cosines, -np.log10(FITTED), 2)
    scale = (logit(0.99) - logit(0.8)) / 2
    made = []
    for zeros in ZEROS:
        cosine = (-slope + math.sqrt(slope**2 - 4 * square * (offset - zeros))) / (2 * square)
        made.append((cosine, logit(0.8) + scale * (zeros - 3)))
    return made


def logit(share: float) -> float:
    return math.log(share / (1 - share))


def print_check(model: str, pairs: Pairs) -> None:
    for threshold in (75, 80, 90, 95, 99, 99.9):
        least = cosine_for(model, threshold)
        false = int((pairs.different >= least).sum())
        true = float((pairs.same >= least).mean())
        rate = false / len(pairs.different)
        print(
            f"    {threshold:5}: cosine {least:.4f}; different people {false} of {len(pairs.different)} ({rate:.1e}); "
            f"same {100 * true:.2f} % of {len(pairs.same)}"
        )
