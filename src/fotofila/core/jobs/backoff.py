"""How long to wait before another attempt: exponential with full jitter, by class of error.

Full jitter spreads the retries of many jobs that failed together (M. Brooker, "Exponential Backoff And Jitter", 2015).
"""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Wait between `floor` and `min(cap, base * factor**(attempt - 1))` seconds."""

    base_seconds: float
    factor: float
    cap_seconds: float
    floor_seconds: float = 0.5


POLICIES = {
    "default": Backoff(base_seconds=5, factor=3, cap_seconds=600),
    "unavailable": Backoff(base_seconds=10, factor=2, cap_seconds=300, floor_seconds=2),
    "crashed": Backoff(base_seconds=2, factor=4, cap_seconds=300),
    "limits": Backoff(base_seconds=1, factor=2, cap_seconds=30),
}


def wait_seconds(error_class: str, attempt: int, *, scale: float = 1.0) -> float:
    """Return the seconds to wait after the given attempt (1 is the first) failed."""
    policy = POLICIES.get(error_class, POLICIES["default"])
    top = min(policy.cap_seconds, policy.base_seconds * policy.factor ** (attempt - 1))
    return scale * random.uniform(policy.floor_seconds, max(policy.floor_seconds, top))  # noqa: S311 - no secret
