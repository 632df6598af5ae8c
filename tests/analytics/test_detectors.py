"""Each detector against its definition worked out reading by reading, on windows with every kind of fault and gap."""

from __future__ import annotations

import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattline.analytics import detectors
from wattline.analytics.evidence import Evidence
from wattline.analytics.reference import residual_noise
from wattline.analytics.settings import Sensitivity

from . import brute
from .windows import Matrix, calm_grid, evidence_of

SENSITIVITY = Sensitivity()
WIDTH = 1860
FAULTS = ("none", "offset", "dip", "stuck", "spike", "noise", "ramp", "silence", "late start", "coarse", "seldom", "lossy")


def afflict(rng: np.random.Generator, row: Matrix, fault: str) -> None:
    """Do to a row what the fault is called."""
    start = int(rng.integers(300, WIDTH - 1)) if rng.random() < 0.4 else int(rng.integers(1700, WIDTH - 1))
    length = int(rng.integers(1, 60))
    amount = float(rng.normal(0.0, 0.1))
    if fault == "offset":
        row[start:] += amount
    elif fault == "dip":
        row[start : start + length] += amount
    elif fault == "stuck":
        row[start:] = row[start - 1]
    elif fault == "spike":
        row[start] += 5 * amount
    elif fault == "noise":
        row[start:] += rng.normal(0.0, 0.02, WIDTH - start)
    elif fault == "ramp":
        row[start:] += np.linspace(0.0, amount, WIDTH - start)
    elif fault == "silence":
        row[start:] = np.nan
    elif fault == "late start":
        row[:start] = np.nan
    elif fault == "coarse":
        row[:] = np.round(row, int(rng.integers(0, 3)))
    elif fault == "seldom":
        every = int(rng.integers(2, 90))
        row[np.arange(WIDTH) % every != int(rng.integers(0, every))] = np.nan
    elif fault == "lossy":
        row[rng.random(WIDTH) < rng.random()] = np.nan
    if np.isnan(row).all():
        row[int(rng.integers(0, WIDTH))] = 60.0


@st.composite
def grids(draw: st.DrawFn) -> Matrix:
    """One to five substations, each with up to two faults."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    readings = calm_grid(rng, draw(st.integers(1, 5)), wander_hz=draw(st.sampled_from((0.0, 0.0005, 0.002))))
    for row in readings:
        for fault in draw(st.lists(st.sampled_from(FAULTS), max_size=2)):
            afflict(rng, row, fault)
    return readings


def plain(readings: Matrix) -> list[list[float | None]]:
    """Deviations from 60 Hz, as the definitions read them."""
    return [[None if np.isnan(value) else float(value) - 60.0 for value in row] for row in readings]


def expected(rows: list[list[float | None]], held: bool) -> dict[str, list[float]]:
    """Every detector's score of every row, by definition."""
    ends = [brute.known(row)[-1] for row in rows]
    habits = [brute.habits(row, end[1]) for row, end in zip(rows, ends, strict=True)]
    ages = [float(WIDTH - second) for second, _ in ends]
    others = brute.reference(rows) if len(rows) >= 3 else [None] * WIDTH
    resolution = statistics.median(found.resolution for found in habits)
    restless = [brute.restlessness(found) for found in habits]
    moving = [own for own in restless if own > 0]
    if len(rows) >= 3 and moving:
        restless = [statistics.median(moving)] * len(rows)
    found: dict[str, list[float]] = {}
    for row, own, end, age, unrest in zip(rows, habits, ends, ages, restless, strict=True):
        scores = {
            "z_robust": brute.z_robust(row, own, end[1], age),
            "residual": brute.residual(row, others, own, resolution),
            "rocof": brute.rocof(row),
            "step": brute.step(row, own),
            "limit": brute.limit(row, own),
            "limit_warning": brute.limit_warning(row),
            "flatline": brute.flatline(row, own, unrest, held=held),
            "stale": brute.stale(row, age),
        }
        for code, score in scores.items():
            found.setdefault(code, []).append(score)
    return found


def measured(evidence: Evidence, rows: int, held: bool) -> dict[str, list[float]]:
    """Every detector's score of every row."""
    findings = [
        detectors.z_robust(evidence, SENSITIVITY),
        detectors.residual(evidence, SENSITIVITY),
        detectors.rocof(evidence, SENSITIVITY),
        detectors.step(evidence, SENSITIVITY),
        detectors.limit(evidence, np.full(rows, 0.1)),
        detectors.limit_warning(evidence, np.full(rows, 0.05)),
        detectors.flatline(evidence, SENSITIVITY, np.full(rows, held)),
        detectors.stale(evidence, SENSITIVITY),
    ]
    for finding in findings:
        flagged = finding.score >= 0.7
        assert (finding.onset_us[flagged] <= evidence.at_us).all()
    return {finding.code: finding.score.tolist() for finding in findings}


@settings(max_examples=60, deadline=None)
@given(grids(), st.booleans())
def test_every_detector_is_its_definition(readings: Matrix, held: bool) -> None:
    wanted = expected(plain(readings), held)
    for code, scores in measured(evidence_of(readings), len(readings), held).items():
        assert scores == pytest.approx(wanted[code], abs=1e-6), code


@settings(max_examples=30, deadline=None)
@given(grids())
def test_the_baseline_is_its_definition(readings: Matrix) -> None:
    baseline = evidence_of(readings).measured.baseline
    for at, row in enumerate(plain(readings)):
        wanted = brute.habits(row, brute.known(row)[-1][1])
        assert bool(baseline.warming[at]) == wanted.warming
        assert int(baseline.changes[at]) == wanted.changes
        if wanted.count:
            got = [baseline.mean_hz[at], baseline.std_hz[at], baseline.median_hz[at], baseline.mad_hz[at], baseline.walk_hz[at]]
            assert got == pytest.approx([wanted.mean, wanted.std, wanted.median, wanted.mad, wanted.walk], abs=1e-9)


@pytest.mark.parametrize(("ratio", "score"), [(0, 0), (0.5, 0.35), (1, 0.7), (1.5, 0.85), (2, 1), (9, 1)])
def test_the_score_is_seven_tenths_at_the_limit_and_one_at_twice_it(ratio: float, score: float) -> None:
    assert float(detectors.severity(np.array(float(ratio)))) == pytest.approx(score, abs=1e-12)


def test_the_score_at_the_limit_is_exactly_the_decision_point() -> None:
    assert float(detectors.severity(np.array(1.0))) >= 0.7


def flat_score(row: Matrix, *, held: bool = False) -> float:
    """The score of a lone substation's flat line."""
    return float(detectors.flatline(evidence_of(row[None, :]), SENSITIVITY, np.array([held])).score[0])


def restless() -> Matrix:
    """A substation whose value changes by 1 mHz or more every second."""
    return 60.0 + np.round(0.02 * np.sin(np.arange(WIDTH) / 7.0), 3) + 0.001 * (np.arange(WIDTH) % 2)


def test_ten_equal_readings_are_the_least_that_prove_anything() -> None:
    row = restless()
    row[np.arange(WIDTH) % 30 != 29] = np.nan
    row[-270:] = np.where(np.isnan(row[-270:]), np.nan, 60.5)
    assert flat_score(row, held=True) == 0.0
    row[-271] = 60.5
    assert flat_score(row, held=True) > 0.7


def test_a_device_that_measures_every_twenty_seconds_may_repeat_itself_for_two_hundred() -> None:
    row = restless()[np.arange(WIDTH) // 20 * 20]
    row[-180:] = row[-180]
    assert 0.6 < flat_score(row) < 0.7
    row[-220:] = row[-220]
    assert flat_score(row) >= 0.7


def test_a_flat_line_outlives_a_gap_that_took_the_baseline_away() -> None:
    row = np.full(WIDTH, np.nan)
    row[-200:] = 60.0
    assert flat_score(row) == 0.0
    assert flat_score(row, held=True) >= 0.7


@pytest.mark.parametrize(("gap", "score"), [(4, 0.0), (5, 1.0), (15, 1.0), (16, 0.0)])
def test_the_rate_of_change_is_taken_over_five_to_fifteen_seconds(gap: int, score: float) -> None:
    row = np.full((1, WIDTH), np.nan)
    row[0, -1 - gap], row[0, -1] = 60.0, 62.0
    assert float(detectors.rocof(evidence_of(row), SENSITIVITY).score[0]) == score


@pytest.mark.parametrize(("readings", "known"), [(19, False), (20, True)])
def test_noise_is_known_from_twenty_readings_on(readings: int, known: bool) -> None:
    deviation = np.full((1, WIDTH), np.nan)
    deviation[0, :readings] = np.arange(readings)
    assert bool(np.isfinite(residual_noise(deviation, np.zeros((1, WIDTH))))[0]) == known
