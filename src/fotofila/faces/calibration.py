"""What the detector's score means: the share of such detections that are faces."""

from __future__ import annotations

import math

SLOPE = 1.0
OFFSET = 0.0


def confidence_of(score: float) -> float:
    """0-1, from the fused score 0-1."""
    return 1 / (1 + math.exp(-(SLOPE * _logit(score) + OFFSET)))


def score_of(confidence: float) -> float:
    """The score that has this confidence."""
    return 1 / (1 + math.exp(-(_logit(confidence) - OFFSET) / SLOPE))


def _logit(share: float) -> float:
    inside = min(max(share, 1e-6), 1 - 1e-6)
    return math.log(inside / (1 - inside))
