"""The labelled faces of a data folder: lfw (pairs.csv), wider (boxes.csv), utk (names)."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

LEAST_HEIGHT = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Boxes:
    """The labelled faces of one photo: (n, 4) left, top, right, bottom, and which of them count."""

    corners: NDArray[np.float32]
    counts: NDArray[np.bool_]
    """False where the label says invalid, or the face is less high than 20 pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A chip of one face."""

    path: Path
    years: int
    gender: str


def read_pixels(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def wider_boxes(data: Path) -> dict[Path, Boxes]:
    rows: dict[Path, list[tuple[float, float, float, float, bool]]] = {}
    with (data / "wider" / "boxes.csv").open(newline="") as stream:
        for row in csv.DictReader(stream):
            x, y, width, height = (float(row[key]) for key in ("x", "y", "width", "height"))
            counts = height >= LEAST_HEIGHT and row["invalid"] == "0"
            path = data / "wider" / "images" / row["image"]
            rows.setdefault(path, []).append((x, y, x + width, y + height, counts))
    return {
        path: Boxes(
            corners=np.array([row[:4] for row in found], np.float32),
            counts=np.array([row[4] for row in found], np.bool_),
        )
        for path, found in rows.items()
    }


def lfw_pairs(data: Path) -> list[tuple[Path, Path, bool]]:
    folder = data / "lfw" / "images"
    with (data / "lfw" / "pairs.csv").open(newline="") as stream:
        return [(folder / row["a"], folder / row["b"], row["same"] == "1") for row in csv.DictReader(stream)]


def utk_people(data: Path) -> list[Person]:
    people = []
    for path in sorted((data / "utk" / "images").iterdir()):
        years, gender = path.name.split("_")[:2]
        people.append(Person(path=path, years=int(years), gender="male" if gender == "0" else "female"))
    return people
