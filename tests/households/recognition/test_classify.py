"""Guesses about a peak: confidences that add up, any cadence, "unknown" where nothing is known, refusal of what is no peak."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattline.households.appliances import categories
from wattline.households.recognition.classes import UNKNOWN
from wattline.households.recognition.model import Guess, Recogniser
from wattline.households.recognition.physics import CATEGORIES
from wattline.model.errors import Invalid

Power = Callable[[float], float]
SHARED = Recogniser()


def sampled(power: Power, seconds: float, cadence: float, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """What a meter tells of a power (W by s): means over its intervals, which are not quite regular."""
    random = np.random.default_rng(seed)
    times = np.arange(0.0, seconds + cadence, cadence)
    times[1:] += random.uniform(-0.4, 0.4, times.size - 1)
    course = np.array([power(second) for second in np.arange(0.0, times[-1] + 1)])
    energy = np.interp(times, np.arange(course.size + 1), np.concatenate(([0.0], np.cumsum(course))))
    return (times[1:] * 1e6).astype(np.int64), np.diff(energy) / np.diff(times)


def kettle(_second: float) -> float:
    return 2000.0


def microwave(second: float) -> float:
    return 1250.0 if second < 150 else 0.0


def charger(_second: float) -> float:
    return 7200.0


def dishwasher(second: float) -> float:
    return 2050.0 if second % 3000 < 900 else 70.0


def fridge(second: float) -> float:
    return 80.0 + 45.0 * math.exp(-second / 200)


PEAKS: list[tuple[Power, float, str]] = [
    (kettle, 170, "kettle"),
    (kettle, 300, "kettle"),
    (microwave, 150, "microwave"),
    (charger, 3 * 3600, "eCar"),
    (dishwasher, 6600, "dishwasher"),
    (fridge, 1200, "fridge"),
]


@pytest.mark.parametrize(("power", "seconds", "category"), PEAKS)
@pytest.mark.parametrize("cadence", [15.0, 21.0])
def test_the_first_guess_is_the_same_at_any_cadence(power: Power, seconds: float, category: str, cadence: float) -> None:
    first = SHARED.classify(*sampled(power, seconds, cadence), base_w=0.0)[0]
    assert (first.name, first.category) == (category, category)


def test_the_confidences_of_all_classes_sum_to_one_and_come_in_order() -> None:
    guesses = SHARED.classify(*sampled(dishwasher, 6600, 15))
    assert {guess.name for guess in guesses} == {*CATEGORIES, UNKNOWN}
    confidences = [guess.confidence for guess in guesses]
    assert math.fsum(confidences) == pytest.approx(1)
    assert confidences == sorted(confidences, reverse=True)
    assert [guess.category for guess in guesses] == [None if guess.name == UNKNOWN else guess.name for guess in guesses]


def test_every_category_is_one_of_the_products() -> None:
    assert set(CATEGORIES) < {category.name for category in categories.ALL}


def test_the_same_data_gives_the_same_answer_in_another_process_too() -> None:
    given_ = sampled(microwave, 150, 18)
    assert Recogniser().classify(*given_) == SHARED.classify(*given_)


def test_a_base_load_that_shows_at_both_ends_is_taken_off() -> None:
    times, watts = sampled(lambda second: 2000.0 if 40 < second < 210 else 0.0, 250, 15)
    alone, over_base = SHARED.classify(times, watts, 0.0), SHARED.classify(times, watts + 220)
    assert over_base[0].name == alone[0].name == "kettle"
    assert over_base[0].confidence == pytest.approx(alone[0].confidence, abs=0.05)
    assert SHARED.classify(times, watts + 220, 220.0) == pytest.approx(alone)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("most", [300.0, 3000.0])
def test_noise_is_unknown(seed: int, most: float) -> None:
    watts = np.random.default_rng(seed).uniform(0, most, 240)
    first = SHARED.classify(np.arange(240) * 15_000_000, watts, 0.0)[0]
    assert first == Guess(UNKNOWN, None, first.confidence)
    assert first.confidence > 0.5


@pytest.mark.parametrize("watts", [90_000.0, 2e6])
def test_what_no_home_can_draw_is_unknown(watts: float) -> None:
    first = SHARED.classify(np.arange(120) * 15_000_000, np.full(120, watts))[0]
    assert first.name == UNKNOWN
    assert first.confidence > 0.99


@pytest.mark.parametrize("watts", [0.0, -800.0])
def test_what_is_no_use_of_power_is_unknown_for_certain(watts: float) -> None:
    assert SHARED.classify(np.arange(120) * 15_000_000, np.full(120, watts))[0] == Guess(UNKNOWN, None, 1.0)


def times(*seconds: float) -> np.ndarray:
    return (np.array(seconds) * 1e6).astype(np.int64)


@pytest.mark.parametrize(
    ("when", "watts", "field"),
    [
        (times(), [], "data"),
        (times(0, 15), [1.0, 2.0], "data"),
        (times(0, 15, 30), [1.0, 2.0], "data"),
        (times(0, 15, 15), [1.0, 2.0, 3.0], "timestamp"),
        (times(0, 30, 15), [1.0, 2.0, 3.0], "timestamp"),
        (times(0, 15, 200_000), [1.0, 2.0, 3.0], "timestamp"),
        (times(0, 15, 30), [1.0, math.nan, 3.0], "power"),
        (times(0, 15, 30), [1.0, math.inf, 3.0], "power"),
        (times(0, 15, 30), [1.0, 1e12, 3.0], "power"),
    ],
)
def test_what_is_no_peak_is_refused(when: np.ndarray, watts: list[float], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        SHARED.classify(when, np.array(watts))
    assert caught.value.field == field


def test_times_at_the_ends_of_their_range_are_refused_and_do_not_overflow() -> None:
    ends = np.iinfo(np.int64)
    with pytest.raises(Invalid) as caught:
        SHARED.classify(np.array([ends.min, 0, ends.max]), np.ones(3))
    assert caught.value.field == "timestamp"


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 10**9), st.floats(-1e9, 1e9)), min_size=3, max_size=40),
    st.one_of(st.none(), st.floats(-1e5, 1e5)),
)
def test_any_ordered_samples_get_an_answer(rows: list[tuple[int, float]], base_w: float | None) -> None:
    when = np.cumsum([gap for gap, _ in rows])
    guesses = SHARED.classify(when, np.array([power for _, power in rows]), base_w)
    assert math.fsum(guess.confidence for guess in guesses) == pytest.approx(1)
    assert all(0 <= guess.confidence <= 1 for guess in guesses)
