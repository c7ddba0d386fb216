"""Age and apparent gender of aligned faces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fotofila.core.inference.session import Session
from fotofila.faces.face import AgeRange, ApparentGender, Gender

SIDE = 128
"""The chip is cut out once at twice the age model's side; averaging it down is the filter against aliasing."""
TEMPLATE = SIDE * np.array([[0.3005, 0.2930], [0.6934, 0.2918], [0.4947, 0.5120], [0.3361, 0.6755], [0.6610, 0.6777]])
AGE_SIDE = 64
GENDER_SIDE = 32
MEAN = np.array([122.782, 117.001, 104.298], np.float32)
DEVIATION = np.float32(256)
BATCH = 16

GENDERS: tuple[Gender, Gender] = ("female", "male")
GENDER_FROM_YEARS = 16
"""Below this the model is right about as often as a coin, so nothing is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeEstimate:
    """Years, and how far the model's own distribution spreads (one standard deviation)."""

    years: float
    spread: float


def estimate_ages(session: Session, chips: NDArray[np.uint8]) -> list[AgeEstimate]:
    """Ages of chips (n, 128, 128, 3) RGB, cut out at `TEMPLATE`: the mean over the classes 0 to 80."""
    shares = _run(session, chips, AGE_SIDE)
    years = np.arange(shares.shape[1], dtype=np.float32)
    means = shares @ years
    spreads = np.sqrt(np.maximum(shares @ years**2 - means**2, 0))
    return [AgeEstimate(years=float(m), spread=float(s)) for m, s in zip(means, spreads, strict=True)]


def age_range(estimate: AgeEstimate) -> AgeRange:
    """The range in which four of five people lie whose face gives this estimate.

    Half its width is 2.5 years and a sixth of the estimate: a child's age shows to a few years, a grandparent's to
    ten. Both numbers were fitted on the labelled chips of `python -m bench faces-accuracy`, which prints the share of
    people who lie inside.
    """
    half = 2.5 + estimate.years / 6
    return AgeRange(low=max(0, round(estimate.years - half)), high=round(estimate.years + half))


def estimate_genders(session: Session, chips: NDArray[np.uint8]) -> list[ApparentGender]:
    """Apparent genders of chips (n, 128, 128, 3) RGB, cut out at `TEMPLATE`."""
    shares = _run(session, chips, GENDER_SIDE)
    return [
        ApparentGender(value=GENDERS[best], confidence=float(row[best]))
        for row, best in zip(shares, shares.argmax(axis=1).tolist(), strict=True)
    ]


def _run(session: Session, chips: NDArray[np.uint8], side: int) -> NDArray[np.float32]:
    parts = []
    for at in range(0, len(chips), BATCH):
        small = np.stack([np.asarray(Image.fromarray(chip).reduce(SIDE // side)) for chip in chips[at : at + BATCH]])
        planes = np.ascontiguousarray(((small - MEAN) / DEVIATION).transpose(0, 3, 1, 2))
        parts.append(session.run(images=planes)[0])
    return np.concatenate(parts)
