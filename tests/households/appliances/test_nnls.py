"""The active-set solver against every set there is."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from wattline.households.appliances.nnls import solve


def objective(matrix: NDArray[np.float64], vector: NDArray[np.float64], x: NDArray[np.float64]) -> float:
    return float(x @ matrix @ x / 2 - vector @ x)


def tried(matrix: NDArray[np.float64], vector: NDArray[np.float64]) -> NDArray[np.float64]:
    """The best of the feasible solutions of all sets of free parts."""
    best = np.zeros(len(vector))
    for chosen in product((False, True), repeat=len(vector)):
        free = np.array(chosen, bool)
        x = np.zeros(len(vector))
        if free.any():
            x[free] = np.linalg.solve(matrix[np.ix_(free, free)], vector[free])
        if (x >= 0).all() and objective(matrix, vector, x) < objective(matrix, vector, best):
            best = x
    return best


@st.composite
def problems(draw: st.DrawFn) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Peaks with up to six appliances, many of them always together, with a ridge of any usual weight."""
    size = draw(st.integers(1, 6))
    rows = draw(st.integers(0, 8))
    entry = st.integers(0, 1) if draw(st.booleans()) else st.integers(-3, 3)
    design = np.array([[draw(entry) for _ in range(size)] for _ in range(rows)], float).reshape(rows, size)
    values = np.array([draw(st.integers(-3000, 6000)) for _ in range(rows)], float)
    ridge = np.array([10.0 ** -draw(st.integers(0, 6)) for _ in range(size)])
    usual = np.array([draw(st.integers(-500, 3000)) for _ in range(size)], float)
    return design.T @ design + np.diag(ridge), design.T @ values + ridge * usual


@given(problems())
def test_the_best_of_every_active_set(problem: tuple[NDArray[np.float64], NDArray[np.float64]]) -> None:
    matrix, vector = problem
    x, free = solve(matrix, vector)
    expected = tried(matrix, vector)
    scale = max(1.0, float(np.abs(expected).max()))
    assert (x >= 0).all()
    assert (x[~free] == 0).all()
    assert x == pytest.approx(expected, abs=1e-5 * scale)
    assert (
        objective(matrix, vector, x)
        <= objective(matrix, vector, expected) + 1e-9 * max(1.0, float(np.abs(vector).max())) * scale
    )


@given(problems())
def test_the_conditions_of_an_optimum(problem: tuple[NDArray[np.float64], NDArray[np.float64]]) -> None:
    """Karush, Kuhn and Tucker: no slope where a part is free, none that leads inwards where it is at its bound."""
    matrix, vector = problem
    x, free = solve(matrix, vector)
    slope = matrix @ x - vector
    room = 1e-6 * max(1.0, float(np.abs(vector).max())) * np.sqrt(np.diag(matrix)) / np.sqrt(np.diag(matrix)).min()
    assert (np.abs(slope[free]) <= room[free]).all()
    assert (slope[~free] >= -room[~free]).all()


def test_parts_that_enter_first_and_have_to_leave_again() -> None:
    """Columns that overlap: one that resembles a sum of others is the best at first, and is none of the answer."""
    random = np.random.default_rng(11)
    for _ in range(250):
        size = int(random.integers(4, 8))
        design = np.abs(random.normal(0, 1, (2 * size, size)))
        design[:, 0] = design[:, 1:].sum(axis=1) + random.normal(0, 0.3, 2 * size)
        truth = np.where(random.random(size) < 0.4, 0.0, random.uniform(50, 3000, size)) * (np.arange(size) > 0)
        values = design @ truth - 300 * random.random(2 * size) * design[:, 0]
        matrix, vector = design.T @ design + 1e-4 * np.eye(size), design.T @ values
        x, _ = solve(matrix, vector)
        assert (x >= 0).all()
        assert x == pytest.approx(tried(matrix, vector), abs=1e-3)


def test_a_hundred_parts() -> None:
    """As many as a household can have: ends, and meets the conditions."""
    random = np.random.default_rng(5)
    design = (random.random((400, 100)) < 0.05).astype(float)
    truth = np.where(random.random(100) < 0.3, 0.0, random.uniform(50, 3000, 100))
    values = design @ truth + random.normal(0, 200, 400)
    matrix = design.T @ design + 1e-3 * np.eye(100)
    x, free = solve(matrix, design.T @ values)
    slope = matrix @ x - design.T @ values
    assert 0 < free.sum() < 100
    assert np.abs(slope[free]).max() < 1e-5
    assert slope[~free].min() > -1e-5


def test_nothing_to_solve() -> None:
    x, free = solve(np.zeros((0, 0)), np.zeros(0))
    assert x.size == free.size == 0
