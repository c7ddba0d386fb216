"""What the detector's score means: the share of such detections that are faces.

A logistic curve over the logit of the score (Platt 1999, "Probabilistic outputs for support vector machines"), fitted
on the 70 labelled WIDER photos of `python -m bench faces-accuracy`, both settings together, every detection counted
that is not a label left out; the bench prints the gap that is left. It is monotone: it changes no order.
"""

from __future__ import annotations

import math

SLOPE = 2.2
OFFSET = -1.2


def confidence_of(score: float) -> float:
    """0-1, from the fused score 0-1."""
    return 1 / (1 + math.exp(-(SLOPE * _logit(score) + OFFSET)))


def score_of(confidence: float) -> float:
    """The score that has this confidence."""
    return 1 / (1 + math.exp(-(_logit(confidence) - OFFSET) / SLOPE))


def _logit(share: float) -> float:
    inside = min(max(share, 1e-6), 1 - 1e-6)
    return math.log(inside / (1 - inside))
