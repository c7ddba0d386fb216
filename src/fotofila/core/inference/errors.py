"""What can go wrong with a model, and the command that mends it."""

from __future__ import annotations

from fotofila.core.errors import UnavailableError


class ModelUnavailableError(UnavailableError):
    """A model is not here, is not the file that was pinned, or cannot be had from any source."""

    code = "model_unavailable"
    title = "A model is missing"
