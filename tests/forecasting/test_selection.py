"""Which model is chosen, and how several are mixed."""

from __future__ import annotations

import numpy as np
import pytest

from wattline.forecasting.selection import choose, mix

RNG = np.random.default_rng(1)
ACTUAL = RNG.normal(10, 2, (28, 24))


def test_models_that_err_each_in_their_own_way_are_blended() -> None:
    paths = {name: ACTUAL + RNG.normal(0, 1, ACTUAL.shape) for name in ("a", "b")}
    shares = choose(paths, ACTUAL)
    assert shares == pytest.approx({"a": 0.5, "b": 0.5}, abs=0.05)
    mixed = mix(paths, shares)
    assert np.abs(mixed - ACTUAL).mean() < min(np.abs(path - ACTUAL).mean() for path in paths.values())


def test_a_model_that_is_far_worse_has_no_share() -> None:
    paths = {"good": ACTUAL + RNG.normal(0, 0.1, ACTUAL.shape), "bad": ACTUAL + RNG.normal(0, 3, ACTUAL.shape)}
    assert choose(paths, ACTUAL) == {"good": 1.0}


def test_a_single_model_is_taken_where_the_blend_is_worse() -> None:
    noise = RNG.normal(0, 1, ACTUAL.shape)
    paths = {"a": ACTUAL + noise, "b": ACTUAL + 1.3 * noise}
    assert choose(paths, ACTUAL) == {"a": 1.0}


def test_a_perfect_model_has_all() -> None:
    assert choose({"a": ACTUAL + 1, "b": ACTUAL.copy()}, ACTUAL) == {"b": 1.0}


def test_what_cannot_be_judged_is_not_taken() -> None:
    unknown = np.full(ACTUAL.shape, np.nan)
    assert choose({"a": unknown, "b": ACTUAL + 1}, ACTUAL) == {"b": 1.0}
    assert choose({"a": unknown, "b": unknown}, ACTUAL) == {"a": 1.0}


def test_the_shares_are_a_whole() -> None:
    paths = {str(n): ACTUAL + RNG.normal(0, 1 + n / 3, ACTUAL.shape) for n in range(4)}
    shares = choose(paths, ACTUAL)
    assert sum(shares.values()) == pytest.approx(1)
    assert min(shares.values()) >= 0.02
