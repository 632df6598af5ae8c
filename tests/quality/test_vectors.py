"""Measured quantities against published vectors and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattline.model.clock import MINUTE, SECOND
from wattline.quality import harmonics
from wattline.quality.categories import category, category_of_span
from wattline.quality.compliance import percentile, verdict, within
from wattline.quality.config import ieee519_limit
from wattline.quality.curves import itic, semi_f47
from wattline.quality.frequency import measured_frequency
from wattline.quality.half_cycle import half_cycle_rms
from wattline.quality.imbalance import deviation, imbalance, lines_of, vuf_of_lines, vuf_of_phasors
from wattline.quality.waveform import measured

TURNS = np.exp(-2j * np.pi / 3 * np.arange(3))


@pytest.mark.parametrize(
    ("lines", "lvur", "vuf"),
    [((400, 395, 390), 1.2658, 1.4618), ((480, 460, 440), 4.3478, 5.0272), ((415, 400, 385), 3.75, 4.3345)],
)
def test_imbalance_of_line_voltages(lines: tuple[float, ...], lvur: float, vuf: float) -> None:
    volts = np.array(lines, float)
    assert round(float(deviation(volts)), 4) == lvur
    assert round(float(vuf_of_lines(volts)), 4) == vuf


def test_imbalance_of_phase_voltages_by_each_method() -> None:
    phases = np.array([[230.1, 225.0, 235.0]])
    nothing = np.full((1, 3), np.nan)
    found = {name: imbalance(name, phases, nothing) for name in ("vuf", "lvur", "pvur")}  # type: ignore[arg-type]
    assert {name: round(float(value[0]), 4) for name, (value, _) in found.items()} == {
        "vuf": 1.2550,
        "lvur": 1.0919,
        "pvur": 2.1881,
    }
    assert {name: bool(assumed[0]) for name, (_, assumed) in found.items()} == {"vuf": True, "lvur": True, "pvur": False}
    # Phase voltages in the formula of line voltages give twice the truth: that is why they never get there.
    assert round(float(vuf_of_lines(phases)[0]), 4) == 2.5103
    assert round(float(vuf_of_phasors(phases * TURNS)[0]), 4) == 1.2550


@given(st.lists(st.floats(180, 280), min_size=3, max_size=3), st.lists(st.floats(-0.2, 0.2), min_size=3, max_size=3))
def test_magnitudes_of_lines_give_what_the_phasors_give(sizes: list[float], angles: list[float]) -> None:
    phasors = np.array(sizes) * TURNS * np.exp(1j * np.array(angles))
    lines = np.abs(phasors - np.roll(phasors, -1))
    assert float(vuf_of_lines(lines)) == pytest.approx(float(vuf_of_phasors(phasors)), abs=1e-4)


def test_lines_that_close_to_no_triangle_have_no_imbalance() -> None:
    assert np.isnan(vuf_of_lines(np.array([400.0, 100.0, 100.0])))
    assert np.isnan(imbalance("vuf", np.full((1, 3), np.nan), np.full((1, 3), np.nan))[0][0])
    assert lines_of(np.array([230.0, 230.0, 230.0])) == pytest.approx(np.full(3, 230 * 3**0.5))


def waves(frequency: float, rate: float, seconds: float, orders: dict[int, float]) -> np.ndarray:
    t = np.arange(round(rate * seconds) + 1) / rate
    channels = []
    for phase in range(3):
        turn = 2 * np.pi * frequency * t - 2 * np.pi * phase / 3
        channels.append(sum(share * np.sin(order * turn + order) for order, share in ({1: 1.0} | orders).items()))
    return 230 * np.sqrt(2) * np.stack(channels, axis=1)


@pytest.mark.parametrize("frequency", [49.3, 50.0, 50.7])
def test_the_thd_of_4_3_and_2_5_percent(frequency: float) -> None:
    samples = waves(frequency, 12_800, 2, {5: 0.04, 7: 0.03, 11: 0.025})
    found = measured_frequency(samples, 12_800, 50)
    assert found == pytest.approx(frequency, abs=0.001)
    blocks = harmonics.windows(samples, 12_800, found, 10)
    distortion = harmonics.thd(harmonics.groups(blocks, 10))
    assert distortion == pytest.approx(np.full_like(distortion, 5.590), abs=0.001)
    fifteen = harmonics.aggregate(np.tile(distortion, (2, 1)), 15)
    assert fifteen == pytest.approx(np.full((len(distortion) * 2 // 15, 3), 5.590), abs=0.001)


def test_a_group_takes_in_the_lines_between_the_harmonics() -> None:
    t = np.arange(12_800) / 12_800
    samples = (np.sqrt(2) * (np.sin(2 * np.pi * 50 * t) + 0.1 * np.sin(2 * np.pi * 260 * t)))[:, None]
    grouped = harmonics.groups(harmonics.windows(np.vstack([samples, samples[:1]]), 12_800, 50, 10), 10)
    assert grouped[0, 4, 0] == pytest.approx(0.1, abs=1e-6)
    half = np.sqrt(2) * 0.1 * np.sin(2 * np.pi * 275 * t)[:, None]
    grouped = harmonics.groups(harmonics.windows(np.vstack([half, half[:1]]), 12_800, 50, 10), 10)
    assert grouped[0, 4, 0] == pytest.approx(0.1 / np.sqrt(2), abs=1e-6)


def test_an_rms_is_over_whole_cycles_at_any_frequency() -> None:
    for frequency in (47.0, 49.87, 50.0, 51.3):
        samples = waves(frequency, 3200 * 1.1, 1, {})
        ends, volts = half_cycle_rms(samples, 3520, frequency)
        assert np.diff(ends) == pytest.approx(np.full(len(ends) - 1, 0.5 / frequency))
        assert volts == pytest.approx(np.full_like(volts, 230), rel=1e-4)


def test_a_capture_shorter_than_a_cycle_has_no_rms() -> None:
    ends, volts = half_cycle_rms(np.ones((32, 2)), 3200, 50)
    assert (len(ends), volts.shape) == (0, (0, 2))


def test_a_capture_has_the_imbalance_of_its_phasors() -> None:
    samples = waves(50, 6400, 1, {}) * np.array([230.1, 225, 235]) / 230
    for method, value in (("vuf", 1.2550), ("lvur", 1.0919), ("pvur", 2.1881)):
        found = measured(samples, 0, 6400, 50, ("a", "b", "c"), method)
        assert found.steady.imbalance == pytest.approx(np.full(5, value), abs=1e-4)
    assert np.isnan(measured(samples[:, :1], 0, 6400, 50, ("a",), "vuf").steady.imbalance).all()


@settings(max_examples=30, deadline=None)
@given(st.floats(45, 55), st.integers(64, 300), st.floats(0, 6))
def test_the_frequency_is_found(frequency: float, a_cycle: int, phase: float) -> None:
    rate = a_cycle * 50
    t = np.arange(rate) / rate
    samples = np.sin(2 * np.pi * frequency * t + phase)[:, None] * 325
    assert measured_frequency(samples, rate, 50) == pytest.approx(frequency, abs=0.02)


def test_categories_at_their_bounds() -> None:
    assert category("sag", 600_000, 50) == "instantaneous"
    assert category("sag", 600_001, 50) == "momentary"
    assert category("sag", 500_001, 60) == "momentary"
    assert category("swell", 3 * SECOND, 50) == "momentary"
    assert category("swell", 3 * SECOND + 1, 50) == "temporary"
    assert category("sag", MINUTE + 1, 50) == "undervoltage"
    assert category("interruption", 10_000, 50) == "momentary"
    assert category("interruption", MINUTE + 1, 50) == "sustained"
    assert category("thd", MINUTE, 50) is None
    assert category_of_span("sag", (SECOND, 4 * SECOND), 50) is None
    assert category_of_span("sag", (4 * SECOND, 9 * SECOND), 50) == "temporary"


def test_curves_at_their_corners() -> None:
    assert itic(20_000, 0.0, None) == "ride_through"
    assert itic(20_001, 0.69, None) == "no_damage"
    assert itic(400_000, 0.7, None) == "ride_through"
    assert itic(600_000, 0.75, None) == "no_damage"
    assert itic(600_000, None, 1.15) == "prohibited"
    assert semi_f47(200_000, 0.5)
    assert not semi_f47(200_001, 0.5)


def test_limits_of_ieee_519_by_voltage() -> None:
    assert [ieee519_limit(volts) for volts in (230, 1000, 1001, 69_000, 161_000, 161_001)] == [8, 8, 5, 5, 2.5, 1.5]


def test_a_share_of_the_time_is_judged_exactly() -> None:
    values = np.array([230.0] * 95 + [200.0] * 5 + [np.nan] * 100)
    found = within("v", "voltage", values, 207, 253, 95, unit="V", width_s=600, slots=200)
    assert (found.compliant, found.within_pct, found.value, found.samples, found.coverage_pct) == (True, 95, 230, 100, 50)
    values[0] = 206.9
    assert within("v", "voltage", values, 207, 253, 95, unit="V", width_s=600, slots=200).compliant is False
    nothing = within("v", "voltage", np.full(3, np.nan), 207, 253, 95, unit="V", width_s=600, slots=3)
    assert nothing.compliant is None
    high = percentile("t", "thd", np.arange(101.0), 95, 94.9, unit="%", width_s=600, slots=101)
    assert (high.value, high.compliant) == (95.0, False)
    assert verdict([found, nothing]) is None
    assert verdict([found, nothing, high]) is False
    assert verdict([found]) is True
