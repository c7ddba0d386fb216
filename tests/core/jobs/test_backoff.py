from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fotofila.core.jobs.backoff import POLICIES, wait_seconds
from tests.core.test_errors import every_error


@given(st.sampled_from(sorted(POLICIES)), st.integers(min_value=1, max_value=50))
def test_wait_stays_between_its_floor_and_its_cap(error_class: str, attempt: int) -> None:
    policy = POLICIES[error_class]
    wait = wait_seconds(error_class, attempt)
    assert policy.floor_seconds <= wait <= policy.cap_seconds
    assert wait <= max(policy.floor_seconds, policy.base_seconds * policy.factor ** (attempt - 1))


def test_waits_of_many_are_spread() -> None:
    waits = [wait_seconds("default", 3) for _ in range(200)]
    assert max(waits) - min(waits) > 20


def test_later_attempts_wait_longer() -> None:
    means = [sum(wait_seconds("default", attempt) for _ in range(500)) / 500 for attempt in (1, 2, 3, 4)]
    assert means == sorted(means)


def test_unknown_class_waits_as_any_other() -> None:
    assert 0.5 <= wait_seconds("nobody knows", 1) <= 5


@pytest.mark.parametrize("scale", [0, 0.01])
def test_waits_are_scaled(scale: float) -> None:
    assert wait_seconds("unavailable", 9, scale=scale) <= 300 * scale


def test_every_error_names_a_policy_that_exists() -> None:
    assert {error.retry_class for error in every_error()} <= set(POLICIES)
