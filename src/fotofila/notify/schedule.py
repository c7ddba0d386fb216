"""When a notification that did not arrive is sent again: the schedule that Standard Webhooks gives as an example."""

from __future__ import annotations

import random

WAITS_SECONDS = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""After the first attempt, the second, …: ten attempts in 75 hours and 35 minutes."""

MOST_ATTEMPTS = len(WAITS_SECONDS) + 1
JITTER = 0.1
MOST_SECONDS = 86_400.0


def next_wait_seconds(attempts: int, *, scale: float, at_least: float = 0) -> float | None:
    """Return the wait after so many attempts, or None when it is time to give up.

    `at_least` is what the server asked for (`Retry-After`, in seconds), heeded up to a day.
    """
    if attempts >= MOST_ATTEMPTS:
        return None
    wait = WAITS_SECONDS[attempts - 1] * (1 + JITTER * random.uniform(-1, 1))  # noqa: S311 - no secret
    return scale * max(wait, min(at_least, MOST_SECONDS))
