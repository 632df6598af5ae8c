"""Powers of appliances from the peaks that they caused."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from wattline.households.appliances.categories import ALL, BY_NAME
from wattline.households.appliances.estimate import Cause, Estimate, estimate, quality
from wattline.households.appliances.model import Appliance

NAMES = [category.name for category in ALL]


def appliance(number: int, category: str = "others", known: float | None = None) -> Appliance:
    return Appliance(number, "home", "ada", f"device {number}", category, known, known is None, None, None)


def cause(power_w: float, *devices: int) -> Cause:
    return Cause(power_w, frozenset(devices))


def power(found: Estimate, device: int) -> float:
    return found.powers[device].power_w


def test_one_peak_tells_the_power_of_one_appliance() -> None:
    found = estimate([appliance(1, "kettle")], [cause(2000, 1)])
    assert power(found, 1) == pytest.approx(2000, rel=0.01)
    assert 50 < found.powers[1].sigma_w < 100
    assert found.r_squared == 1.0


def test_the_base_load_is_not_taken_off_again() -> None:
    """A peak's power is above the base load already: of many alike, the appliance draws exactly that."""
    found = estimate([appliance(1, "kettle")], [cause(1800, 1)] * 50)
    assert power(found, 1) == pytest.approx(1800, rel=0.001)


def test_an_appliance_that_is_in_no_peak_has_no_power() -> None:
    found = estimate([appliance(1, "kettle"), appliance(2, "oven")], [cause(2000, 1)])
    assert set(found.powers) == {1}


def test_nothing_to_estimate() -> None:
    assert estimate([], []) == Estimate({}, None)
    assert estimate([appliance(1)], []) == Estimate({}, None)
    assert estimate([appliance(1, known=900)], [cause(1000, 1)]) == Estimate({}, None)
    assert estimate([appliance(1)], [cause(0.0, 1), cause(-5.0, 1)]) == Estimate({}, None)


def test_two_alike_that_always_run_together_share_evenly() -> None:
    found = estimate([appliance(1, "lighting"), appliance(2, "lighting")], [cause(300, 1, 2)] * 3)
    assert power(found, 1) == pytest.approx(power(found, 2))
    assert power(found, 1) + power(found, 2) == pytest.approx(300, rel=0.02)


def test_two_that_always_run_together_share_as_is_usual_for_their_kinds() -> None:
    """The oven takes the most; together they explain the peak, and the error of each says that they cannot be told apart."""
    found = estimate([appliance(1, "oven"), appliance(2, "fridge")], [cause(2600, 1, 2)] * 10)
    assert power(found, 1) + power(found, 2) == pytest.approx(2600, rel=0.01)
    assert power(found, 2) < 300
    assert power(found, 1) > 2300
    assert found.powers[2].sigma_w > 300


def test_the_difference_of_what_is_usual_remains_where_nothing_else_tells_two_apart() -> None:
    """A fridge (100 W as a rule) and a lamp (40 W), as sure of one another: 60 W apart."""
    found = estimate([appliance(1, "fridge"), appliance(2, "lighting")], [cause(300, 1, 2)] * 5)
    assert power(found, 1) - power(found, 2) == pytest.approx(60)
    assert power(found, 1) + power(found, 2) == pytest.approx(300, rel=0.01)


def test_a_peak_below_that_of_one_of_its_appliances_alone() -> None:
    """A alone takes 1000 W, A and B take 900 W: B is not negative, and A is between."""
    found = estimate([appliance(1), appliance(2, "lighting")], [cause(1000, 1), cause(900, 1, 2)])
    assert 900 <= power(found, 1) <= 1000
    assert 2 not in found.powers or power(found, 2) < 60


def test_a_power_that_the_household_gave_is_taken_off_and_stays() -> None:
    kettle, toaster = appliance(1, "kettle", known=1500), appliance(2, "toaster")
    found = estimate([kettle, toaster], [cause(2400, 1, 2), cause(2500, 1, 2), cause(1500, 1)])
    assert set(found.powers) == {2}
    assert power(found, 2) == pytest.approx(950, rel=0.03)


def test_known_powers_above_the_peak_leave_nothing() -> None:
    found = estimate([appliance(1, "kettle", known=2400), appliance(2, "lighting")], [cause(2000, 1, 2)] * 20)
    assert found.powers == {}
    assert found.r_squared == 0.0


def test_many_peaks_outweigh_what_is_usual() -> None:
    """A fridge of 2 kW is not believed less for being unusual, once several peaks say so."""
    few = power(estimate([appliance(1, "fridge")], [cause(2000, 1)]), 1)
    many = power(estimate([appliance(1, "fridge")], [cause(2000, 1)] * 10), 1)
    assert 1900 < few < many
    assert many == pytest.approx(2000, rel=0.01)


def test_the_error_falls_with_the_number_of_peaks() -> None:
    once = estimate([appliance(1, "oven")], [cause(2000, 1)]).powers[1].sigma_w
    often = estimate([appliance(1, "oven")], [cause(2000, 1)] * 25).powers[1].sigma_w
    assert often == pytest.approx(once / 5, rel=0.02)


def test_the_error_grows_where_peaks_contradict_each_other() -> None:
    alike = estimate([appliance(1, "oven")], [cause(2000, 1)] * 8)
    unlike = estimate([appliance(1, "oven")], [cause(500, 1), cause(3500, 1)] * 4)
    assert unlike.powers[1].sigma_w > 5 * alike.powers[1].sigma_w
    assert unlike.r_squared == pytest.approx(0.0, abs=0.05)
    assert quality(unlike.r_squared) == "insufficient"


def test_peaks_that_are_alike_are_explained_only_where_they_are_met() -> None:
    assert estimate([appliance(1, "kettle")], [cause(2000, 1)] * 3).r_squared == 1.0
    # Two appliances that happen to draw nearly the same are no riddle.
    assert estimate([appliance(1, "kettle"), appliance(2, "iron")], [cause(2000, 1), cause(2010, 2)]).r_squared == 1.0
    # 40 kW of a known 1 kW and a lamp: the prior does not let the lamp take all of it at once.
    both = [appliance(1, known=1000.0), appliance(2, "lighting")]
    assert estimate(both, [cause(40_000, 1, 2)]).r_squared == 0.0


@pytest.mark.parametrize(
    ("r_squared", "word"),
    [(None, None), (0.0, "insufficient"), (0.299, "insufficient"), (0.3, "sufficient"), (0.699, "sufficient"), (0.7, "well")],
)
def test_quality_in_a_word(r_squared: float | None, word: str | None) -> None:
    assert quality(r_squared) == word


def plain(appliances: Iterable[Appliance], causes: list[Cause]) -> np.ndarray:
    ids = [each.id for each in appliances]
    design = np.array([[each in cause.devices for each in ids] for cause in causes], float)
    return np.linalg.lstsq(design, np.array([cause.power_w for cause in causes]), rcond=None)[0]


@given(
    st.lists(st.tuples(st.sampled_from(NAMES), st.floats(0, 1)), min_size=1, max_size=6),
    st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=4), min_size=1, max_size=15),
)
def test_true_powers_are_found_wherever_the_peaks_determine_them(kinds: list[tuple[str, float]], sets: list[list[int]]) -> None:
    """Each alone once and any combinations besides: the estimate is within three of its standard errors, and a few percent."""
    made = [appliance(at + 1, name) for at, (name, _) in enumerate(kinds)]
    truth = {}
    for each, (name, share) in zip(made, kinds, strict=True):
        kind = BY_NAME[name]
        truth[each.id] = kind.min_w + share * (kind.max_w - kind.min_w)
    combined = [{1 + at % len(made) for at in chosen} for chosen in sets]
    causes = [cause(sum(truth[at] for at in chosen), *chosen) for chosen in [*combined, *({each.id} for each in made)]]
    found = estimate(made, causes)
    for each in made:
        if truth[each.id] >= 50:
            assert power(found, each.id) == pytest.approx(truth[each.id], rel=0.03, abs=15)
        if each.id in found.powers:
            known = found.powers[each.id]
            assert abs(known.power_w - truth[each.id]) <= 3 * known.sigma_w
            assert known.sigma_w <= 0.04 * truth[each.id] + 21
    assert found.r_squared is not None
    assert found.r_squared >= 0.98


@given(
    st.lists(st.tuples(st.floats(0.1, 40_000), st.sets(st.integers(1, 5), min_size=1, max_size=5)), min_size=1, max_size=12),
    st.lists(st.sampled_from(NAMES), min_size=5, max_size=5),
    st.sets(st.integers(1, 5), max_size=3),
)
def test_whatever_is_assigned_gives_sound_figures(
    told: list[tuple[float, set[int]]], kinds: list[str], known: set[int]
) -> None:
    made = [appliance(at, kind, 500.0 if at in known else None) for at, kind in enumerate(kinds, 1)]
    found = estimate(made, [cause(watts, *devices) for watts, devices in told])
    seen = set().union(*(devices for _, devices in told)) - known
    assert set(found.powers) <= seen
    assert (found.r_squared is None) == (not seen)
    if found.r_squared is not None:
        assert 0 <= found.r_squared <= 1
    largest = max(watts for watts, _ in told)
    for each in found.powers.values():
        assert 1 <= each.power_w <= max(largest, 7000.0) * 1.01
        assert 0 < each.sigma_w < 1e5


@given(st.permutations(range(6)))
def test_neither_the_order_of_peaks_nor_of_appliances_matters(order: list[int]) -> None:
    causes = [cause(2000, 1), cause(2900, 1, 2), cause(850, 2), cause(1200, 2, 3), cause(3100, 1, 3), cause(400, 3)]
    made = [appliance(1, "kettle"), appliance(2, "toaster"), appliance(3, "blender")]
    one = estimate(made, causes)
    other = estimate(made[::-1], [causes[at] for at in order])
    assume(order != list(range(6)))
    for device in (1, 2, 3):
        assert power(other, device) == pytest.approx(power(one, device))
        assert other.powers[device].sigma_w == pytest.approx(one.powers[device].sigma_w)
    assert other.r_squared == pytest.approx(one.r_squared)


def test_agrees_with_plain_least_squares_where_that_has_an_answer() -> None:
    made = [appliance(1, "kettle"), appliance(2, "toaster"), appliance(3, "microwave")]
    random = np.random.default_rng(7)
    truth = {1: 2100.0, 2: 870.0, 3: 1240.0}
    causes = []
    for _ in range(60):
        chosen = [device for device in truth if random.random() < 0.6] or [1]
        total = sum(truth[device] for device in chosen)
        causes.append(cause(total * random.normal(1, 0.03), *chosen))
    found = estimate(made, causes)
    assert [power(found, each.id) for each in made] == pytest.approx(list(plain(made, causes)), rel=0.03)
    for device, true in truth.items():
        assert abs(power(found, device) - true) < 4 * found.powers[device].sigma_w
    assert quality(found.r_squared) == "well"
