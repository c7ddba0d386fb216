"""How SFace's layers are told in bytes: what a byte of a channel means, and weights as small whole numbers.

No photo is needed for it. The batch norm in front of each PRelu says how its outputs were spread in training (mean
beta, deviation gamma), and so between what values a channel lies and what it is on average (Nagel et al. 2019,
"Data-free quantization through weight equalization and bias correction").
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

DEVIATIONS = 7.0
"""A channel's bytes span so many deviations to either side; beyond, it is cut off. Of 4 to 12, 7 and 8 lose least."""

EVENNESS = 0.25
"""Between one step for all channels (0) and each channel its own (1), which leaves the weights more uneven."""

MOST_OF_A_PAIR = 127
"""Of the weights of two channels side by side, before rounding.

Processors without VNNI add two products of a byte and a weight in 16 bits: 255 * 128 still fits, so nothing is ever
cut off there and every processor gives the same whole numbers.
"""

BYTE = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """Byte b of a channel means `low` + b * `step`; `mean` is the byte that is expected. Each (channels,)."""

    low: Array
    step: Array
    mean: Array


def levels_of(centre: Array, deviation: Array, slope: Array) -> Levels:
    """Levels of prelu(x), x spread about `centre` by `deviation`, all (channels,)."""
    ends = [_prelu(centre + side * DEVIATIONS * deviation, slope) for side in (-1, 1)]
    low, high = np.minimum(*ends), np.maximum(*ends)
    # Where x passes zero, so does the answer: with a slope below zero that is its least.
    passes = np.abs(centre) < DEVIATIONS * deviation
    low, high = np.where(passes, np.minimum(low, 0), low), np.where(passes, np.maximum(high, 0), high)
    own = (high - low) / BYTE
    step = own.max() * (own / own.max()) ** EVENNESS
    return Levels(low=low, step=step, mean=(_prelu_mean(centre, deviation, slope) - low) / step)


def whole_weights(weights: Array) -> tuple[NDArray[np.int8], Array]:
    """(outputs, inputs) as whole numbers and the scale of each output, such that no pair of inputs overflows."""
    even, odd = weights[:, 0::2], weights[:, 1::2]
    pairs = np.maximum(np.maximum(even, 0) + np.maximum(odd, 0), np.maximum(-even, 0) + np.maximum(-odd, 0))
    scale = pairs.max(axis=1) / MOST_OF_A_PAIR
    return np.round(weights / scale[:, None]).astype(np.int8), scale


def _prelu(x: Array, slope: Array) -> Array:
    return np.where(x > 0, x, slope * x)


def _prelu_mean(centre: Array, deviation: Array, slope: Array) -> Array:
    """The mean of prelu(x) for a normal x."""
    ratio = centre / deviation
    share = np.array([0.5 * (1 + math.erf(value / math.sqrt(2))) for value in ratio])
    above = centre * share + deviation * np.exp(-(ratio**2) / 2) / math.sqrt(2 * math.pi)
    mean: Array = above + slope * (centre - above)
    return mean
