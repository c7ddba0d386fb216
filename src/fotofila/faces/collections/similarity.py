"""What a cosine means: similarity 0-100, calibrated for each model."""

from __future__ import annotations


def similarity(model: str, cosine: float) -> float:
    """Return the similarity, 0-100, of two vectors of a model by their cosine, -1 to 1; monotone."""
    raise NotImplementedError


def cosine_for(model: str, similarity: float) -> float:
    """Return the least cosine that has a similarity, 0-100."""
    raise NotImplementedError
