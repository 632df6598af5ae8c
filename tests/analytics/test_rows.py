"""Order statistics of rows against NumPy's own, which are slow and known to be right."""

from __future__ import annotations

import warnings

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from wattline.analytics.rows import block_means, fill_forward, last_seen, row_medians, sort_rows

from .windows import Matrix

VALUES = st.one_of(st.just(np.nan), st.integers(-5, 5).map(float), st.floats(-1e3, 1e3))
MATRICES = arrays(np.float64, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12), elements=VALUES)


@settings(deadline=None)
@given(MATRICES)
def test_medians_and_deviations_are_those_of_the_values_present(values: Matrix) -> None:
    ordered = sort_rows(values)
    median = ordered.median()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # NumPy's remark that a row is empty
        expected = np.nanmedian(values, axis=1)
        deviation = np.nanmedian(np.abs(values - expected[:, None]), axis=1)
    np.testing.assert_allclose(median, expected, atol=1e-12)
    np.testing.assert_allclose(ordered.deviation(median), deviation, atol=1e-9)
    np.testing.assert_array_equal(ordered.count, (~np.isnan(values)).sum(axis=1))


@settings(deadline=None)
@given(MATRICES, st.floats(-20, 20))
def test_deviations_hold_for_a_centre_that_is_not_the_median(values: Matrix, centre: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        expected = np.nanmedian(np.abs(values - centre), axis=1)
    np.testing.assert_allclose(sort_rows(values).deviation(np.full(len(values), centre)), expected, atol=1e-9)


@given(MATRICES, st.one_of(st.none(), st.integers(0, 5)))
def test_gaps_are_filled_with_the_value_before_them_for_as_long_as_allowed(values: Matrix, horizon: int | None) -> None:
    filled = fill_forward(values, last_seen(~np.isnan(values)), horizon)
    for row, line in zip(values, filled, strict=True):
        for column, value in enumerate(line):
            earliest = 0 if horizon is None else max(0, column - horizon)
            known = [float(old) for old in row[earliest : column + 1] if not np.isnan(old)]
            assert (value == known[-1]) if known else np.isnan(value)


@given(arrays(np.float64, (3, 12), elements=VALUES))
def test_block_means_leave_out_what_is_missing(values: Matrix) -> None:
    means, count = block_means(values, 4)
    for row in range(3):
        for block in range(3):
            known = [value for value in values[row, 4 * block : 4 * block + 4] if not np.isnan(value)]
            assert count[row, block] == len(known)
            if known:
                np.testing.assert_allclose(means[row, block], np.mean(known), atol=1e-9)
            else:
                assert np.isnan(means[row, block])


def test_the_argument_is_not_sorted_in_place() -> None:
    values = np.array([[3.0, 1.0, 2.0]])
    assert row_medians(values).tolist() == [2.0]
    assert values.tolist() == [[3.0, 1.0, 2.0]]
