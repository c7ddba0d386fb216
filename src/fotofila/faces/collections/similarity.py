"""What a cosine means: similarity 0-100, calibrated for each model.

80 means that 1 of 1,000 pairs of different people is as similar, 99 that 1 of 100,000 is. Between and beyond, the logit
of similarity is linear in the logarithm of that rate. `python -m bench similarity` fits the curves and checks them on
people who are not in the fit; docs/explanation/collections.md says on whom, and what is left to doubt.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass

from fotofila.core.errors import FotofilaError

DIGITS = 4
ALL_BUT = 99.99996
"""What is rounded to 100."""


class NoCurveError(FotofilaError):
    """A model is used whose cosines nobody has calibrated."""

    code = "model_without_curve"
    title = "The model has no similarity curve"
    permanent = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Straight lines between knots: cosine, and logit of similarity / 100; both rise."""

    knots: tuple[tuple[float, float], ...]

    def logit_at(self, cosine: float) -> float:
        """Return the logit at a cosine; outside of the knots the outermost lines go on."""
        return _line([knot[0] for knot in self.knots], [knot[1] for knot in self.knots], cosine)

    def cosine_at(self, logit: float) -> float:
        """Return the cosine at a logit."""
        return _line([knot[1] for knot in self.knots], [knot[0] for knot in self.knots], logit)


CURVES: dict[str, Curve] = {
    "sface-2021dec-bytes": Curve(
        knots=(
            (0.1195, -2.9456),
            (0.2155, -1.8225),
            (0.3069, -0.2181),
            (0.3778, 1.3863),
            (0.4378, 2.9907),
            (0.4909, 4.5951),
            (0.5389, 6.1995),
            (0.6243, 9.4084),
        )
    ),
    "edgeface-s-gamma05-2023": Curve(
        knots=(
            (0.0333, -2.9456),
            (0.1535, -1.8225),
            (0.2599, -0.2181),
            (0.3409, 1.3863),
            (0.4089, 2.9907),
            (0.4688, 4.5951),
            (0.5228, 6.1995),
            (0.6187, 9.4084),
        )
    ),
}


def similarity(model: str, cosine: float) -> float:
    """Return the similarity, 0-100, of two vectors of a model by their cosine, -1 to 1; monotone.

    Raises:
        NoCurveError: the model is not calibrated.
    """
    return round(100 / (1 + math.exp(-curve_of(model).logit_at(cosine))), DIGITS)


def cosine_for(model: str, similarity: float) -> float:
    """Return the least cosine that has a similarity, 0-100; -1 for 0, and for 100 what is rounded to it.

    Raises:
        NoCurveError: the model is not calibrated.
    """
    if similarity <= 0:
        return -1.0
    share = min(similarity, ALL_BUT) / 100
    return min(max(curve_of(model).cosine_at(math.log(share / (1 - share))), -1.0), 1.0)


def curve_of(model: str) -> Curve:
    """Return the curve of a model.

    Raises:
        NoCurveError: it is not calibrated.
    """
    if (curve := CURVES.get(model)) is None:
        known = ", ".join(CURVES)
        raise NoCurveError(f"There is no similarity curve for the model {model!r}; there are {known}.")
    return curve


def _line(across: list[float], up: list[float], at: float) -> float:
    right = min(max(bisect_right(across, at), 1), len(across) - 1)
    left = right - 1
    share = (at - across[left]) / (across[right] - across[left])
    return up[left] + share * (up[right] - up[left])
