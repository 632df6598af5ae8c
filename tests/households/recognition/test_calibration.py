"""Confidences are what they say they are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattline.households.recognition.calibration import Calibration, expected_calibration_error, strangeness, tempered
from wattline.households.recognition.model import joined
from wattline.households.recognition.physics import CATEGORIES, Physics
from wattline.households.recognition.shape import Shape

LOW, HIGH = np.zeros(4, np.float32), np.ones(4, np.float32)


def calibration(**changed: float) -> Calibration:
    numbers = {"temperature": 1.0, "offset": -2.0, "sure": -0.5, "strange": 8.0, "noise": 5.0} | changed
    return Calibration(**numbers, low=LOW, high=HIGH)


def votes(*shares: float) -> np.ndarray:
    return np.array(shares)


shares = st.lists(st.floats(0, 1), min_size=4, max_size=4).filter(lambda each: sum(each[:3]) > 1e-3)


@given(shares, st.floats(0.25, 4))
def test_confidences_are_a_distribution_that_keeps_the_order_of_the_votes(each: list[float], temperature: float) -> None:
    given_ = np.array(each) / sum(each)
    found = calibration(temperature=temperature).confidences(np.full(4, 0.5, np.float32), given_, 3)
    assert found.sum() == pytest.approx(1)
    assert found.min() >= 0
    order = np.argsort(given_[:3], kind="stable")
    assert np.all(np.diff(found[:3][order]) >= -1e-12)


def test_a_temperature_flattens_above_one_and_sharpens_below() -> None:
    given_ = votes(0.6, 0.3, 0.1)
    flat, same, sharp = (tempered(given_, temperature).max() for temperature in (2.0, 1.0, 0.5))
    assert flat < same < sharp
    assert same == pytest.approx(0.6, abs=0.01)


def test_what_was_never_seen_is_the_more_unknown() -> None:
    seen, half, all_strange = (np.array(row, np.float32) for row in ([0.5] * 4, [0.5, 0.5, 9, -9], [9.0] * 4))
    given_ = votes(0.7, 0.2, 0.1, 0.0)
    unknown = [calibration().confidences(row, given_, 3)[-1] for row in (seen, half, all_strange)]
    assert unknown[0] < unknown[1] < unknown[2]
    assert [float(strangeness(row, LOW, HIGH)) for row in (seen, half, all_strange)] == [0.0, 0.5, 1.0]


def test_doubt_and_noise_make_it_the_more_unknown() -> None:
    row = np.full(4, 0.5, np.float32)
    sure, doubt, noise = (
        calibration().confidences(row, given_, 3)[-1]
        for given_ in (votes(0.9, 0.05, 0.05, 0), votes(0.34, 0.33, 0.33, 0), votes(0.3, 0.02, 0.02, 0.66))
    )
    assert sure < doubt
    assert sure < noise


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60))
def test_the_calibration_error_is_that_of_its_definition(rows: list[tuple[float, bool]]) -> None:
    total = 0.0
    for number in range(10):
        inside = [row for row in rows if min(int(row[0] * 10), 9) == number]
        if inside:
            mean = sum(confidence for confidence, _ in inside) / len(inside)
            right = sum(correct for _, correct in inside) / len(inside)
            total += len(inside) / len(rows) * abs(mean - right)
    found = expected_calibration_error(np.array([row[0] for row in rows]), np.array([row[1] for row in rows]))
    assert found == pytest.approx(total)


def shape(level_w: float, minutes: float, fullness: float = 1.0, steadiness: float = 0.95) -> Shape:
    return Shape(np.full(4, level_w), level_w, minutes, fullness, steadiness)


@given(st.floats(0.01, 1e9), st.floats(0.05, 2880), st.floats(0, 2), st.floats(0, 1))
def test_what_is_physically_likely_sums_to_one(level_w: float, minutes: float, fullness: float, steadiness: float) -> None:
    found = Physics().posterior(shape(level_w, minutes, fullness, steadiness))
    assert found.sum() == pytest.approx(1)
    assert found.min() >= 0


def test_the_trees_decide_among_what_they_learned_and_leave_the_others_in_proportion() -> None:
    likely = Physics().posterior(shape(1250, 2))
    classes = ("coffeeMachine", "microwave")
    learned = [CATEGORIES.index(name) for name in classes]
    others = [place for place in range(likely.size) if place not in learned]
    found = joined(likely, classes, np.array([0.08, 0.90, 0.02]))
    assert found.sum() == pytest.approx(1)
    assert found[learned[1]] > max(likely[learned[1]], found[learned[0]])
    assert found[others] / found[others].sum() == pytest.approx(likely[others] / likely[others].sum())
    strange = joined(likely, classes, np.array([0.04, 0.06, 0.90]))
    assert strange[learned].sum() < likely[learned].sum() < found[learned].sum()


def test_trees_that_are_as_sure_as_usual_do_not_change_what_is_likely() -> None:
    likely = Physics().posterior(shape(1250, 2))
    found = joined(likely, ("coffeeMachine", "microwave"), np.array([0.45, 0.45, 0.1]))
    learned = [CATEGORIES.index("coffeeMachine"), CATEGORIES.index("microwave")]
    assert found[learned].sum() == pytest.approx(likely[learned].sum())
