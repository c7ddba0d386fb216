"""What a detector's score means: the share of such detections that are faces.

A logistic curve over the logit of the score (Platt 1999, "Probabilistic outputs for support vector machines"), fitted
on the 70 labelled WIDER photos of `python -m bench faces-accuracy`, both settings together, every detection counted
that is not a label left out; the bench prints the gap that is left. It is monotone: it changes no order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """confidence = 1 / (1 + exp(-(slope * logit(score) + offset)))."""

    slope: float
    offset: float


YUNET_CURVE = Curve(slope=2.2, offset=-1.2)
SCRFD_CURVE = Curve(slope=2.9, offset=0.7)


def confidence_of(score: float, curve: Curve = YUNET_CURVE) -> float:
    """0-1, from the fused score 0-1."""
    return 1 / (1 + math.exp(-(curve.slope * _logit(score) + curve.offset)))


def score_of(confidence: float, curve: Curve = YUNET_CURVE) -> float:
    """The score that has this confidence."""
    return 1 / (1 + math.exp(-(_logit(confidence) - curve.offset) / curve.slope))


def _logit(share: float) -> float:
    inside = min(max(share, 1e-6), 1 - 1e-6)
    return math.log(inside / (1 - inside))
