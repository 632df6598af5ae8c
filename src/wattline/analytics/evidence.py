"""The measurements of one pass, taken once over all substations in blocks of bounded memory; the detectors judge them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wattline.analytics.baseline import WALK, Baseline, baseline_of
from wattline.analytics.flatline import FlatRun, apparent_resolution, flat_run
from wattline.analytics.model import BASELINE_SECONDS, RECENT_SECONDS, WINDOW_SECONDS, Floats, FrequencyWindow, Indices
from wattline.analytics.presence import Presence, presence
from wattline.analytics.reference import HOLD_S, median_by_group, recent_residual, references, residual_noise
from wattline.analytics.rows import fill_forward, last_seen, stack_rows
from wattline.analytics.settings import Interconnection
from wattline.model.clock import SECOND
from wattline.model.errors import Invalid

ROWS_AT_ONCE = 256
ROCOF_SPAN_S = 5
ROCOF_PATIENCE_S = 15
STEP_MEMORY_S = 2 * RECENT_SECONDS
STEP_ALLOWANCE = 0.5
"""Sigmas of its usual change between readings that a frequency may move in one direction without counting as a step."""
COARSEST_HZ = 0.1
"""No instrument is credited with a coarser resolution: one great change must not make it blind."""
RESTLESS_SPAN_S = 40.0
"""A random walk of c Hz^2/s changes its minute mean with variance 40 c."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Per substation, deviations in Hz from its nominal; a matrix has one column for each of the last 60 s.

    `recent` are the readings and `held` the same with each repeated for up to 15 s; `residual` is their distance from the
    others and `noise` the standard deviation of its fast part; `rocof` is the rate of change over 5 s (Hz/s); `step` the
    greater of the two cumulative sums of changes (Hz).
    """

    baseline: Baseline
    presence: Presence
    flat: FlatRun
    recent: Floats
    held: Floats
    residual: Floats
    noise: Floats
    rocof: Floats
    step: Floats


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that a verdict rests on.

    `group` numbers the interconnections within tenants. `latest_hz` is the newest reading (a frequency), `age_s` its age at
    `at_us`, and `silence_s` the part of that age during which somebody listened. `restlessness` is the variance of the
    wandering (Hz^2/s), of the interconnection where it has three substations to tell it. `resolution_hz` is that of each
    instrument, `neighbour_resolution_hz` the usual one of the interconnection.
    """

    at_us: int
    nominal_hz: Floats
    group: Indices
    measured: Measured
    latest_hz: Floats
    age_s: Floats
    silence_s: Floats
    restlessness: Floats
    resolution_hz: Floats
    neighbour_resolution_hz: Floats


def gather(window: FrequencyWindow, areas: Sequence[Interconnection], listening_us: int = 0) -> Evidence:
    """Measure a window of 1,860 s; `areas` is the interconnection of each substation. A value that is not finite is missing.

    `listening_us` is since when readings could arrive at all: nobody is blamed for silence before that.
    """
    if window.frequency_hz.shape[1] != WINDOW_SECONDS or len(areas) != len(window.keys):
        raise Invalid(f"a window has {WINDOW_SECONDS} seconds and an interconnection for each substation", "window")
    group, groups = _groups(window, areas)
    nominal = np.array([area.limits.nominal_hz for area in areas], dtype=np.float64)
    deviation = window.frequency_hz - nominal[:, None]
    deviation[~np.isfinite(deviation)] = np.nan
    reference = references(deviation, group, groups)
    starts = range(0, max(len(areas), 1), ROWS_AT_ONCE)
    blocks = [slice(start, start + ROWS_AT_ONCE) for start in starts]
    measured = stack_rows([_measure(deviation[rows], reference[group[rows]]) for rows in blocks])
    at_us = window.start_us + WINDOW_SECONDS * SECOND
    resolution = _resolution(measured.baseline, nominal, window.newest_hz)
    return Evidence(
        at_us=at_us,
        nominal_hz=nominal,
        group=group,
        measured=measured,
        latest_hz=window.newest_hz.astype(np.float64),
        age_s=np.maximum((at_us - window.newest_us) / SECOND, 0.0),
        silence_s=np.maximum((at_us - np.maximum(window.newest_us, listening_us)) / SECOND, 0.0),
        restlessness=_restlessness(measured.baseline, group, groups),
        resolution_hz=resolution,
        neighbour_resolution_hz=median_by_group(resolution, group, groups),
    )


def _groups(window: FrequencyWindow, areas: Sequence[Interconnection]) -> tuple[Indices, int]:
    """Number the interconnections; those of two tenants differ even if named alike, for tenants never see each other."""
    numbers: dict[tuple[str, str], int] = {}
    group = [numbers.setdefault((key[0], area.name), len(numbers)) for key, area in zip(window.keys, areas, strict=True)]
    return np.array(group, dtype=np.int64), len(numbers)


def _measure(deviation: Floats, reference: Floats) -> Measured:
    present = ~np.isnan(deviation)
    seen = last_seen(present)
    filled = deviation if bool(present.all()) else fill_forward(deviation, seen)
    baseline = baseline_of(deviation[:, :BASELINE_SECONDS])
    held = filled[:, BASELINE_SECONDS:].copy()
    columns = np.arange(BASELINE_SECONDS, WINDOW_SECONDS)
    held[columns - seen[:, BASELINE_SECONDS:] > HOLD_S] = np.nan
    return Measured(
        baseline=baseline,
        presence=presence(present),
        flat=flat_run(deviation, filled, present),
        recent=deviation[:, BASELINE_SECONDS:],
        held=held,
        residual=recent_residual(deviation, reference),
        noise=residual_noise(deviation, reference),
        rocof=_rocof(deviation, filled, seen),
        step=_step(deviation[:, -STEP_MEMORY_S:], STEP_ALLOWANCE * baseline.change_hz / baseline.interval_s),
    )


def _rocof(deviation: Floats, filled: Floats, seen: Indices) -> Floats:
    """|df/dt| (Hz/s) between each recent reading and the newest one at least 5 s and at most 15 s older."""
    columns = np.arange(BASELINE_SECONDS, WINDOW_SECONDS)
    earlier = slice(BASELINE_SECONDS - ROCOF_SPAN_S, WINDOW_SECONDS - ROCOF_SPAN_S)
    elapsed = (columns - seen[:, earlier]).astype(np.float64)
    elapsed[elapsed > ROCOF_PATIENCE_S] = np.nan
    return np.asarray(np.abs(deviation[:, BASELINE_SECONDS:] - filled[:, earlier]) / elapsed)


def _step(deviation: Floats, allowance: Floats) -> Floats:
    """The CUSUM of the changes upward or downward, whichever is greater, less `allowance` (Hz/s) for every second passed.

    The recursion S = max(0, S + change - allowance) is the distance of the accumulated sum from its running minimum. Only
    seconds with a reading count, so that a gap earns its allowance and its end is not taken for a step.
    """
    drift = allowance[:, None] * np.arange(deviation.shape[1])
    up = deviation - drift
    down = deviation + drift
    rise = up - np.fmin.accumulate(up, axis=1)
    fall = np.fmax.accumulate(down, axis=1) - down
    return np.asarray(np.maximum(rise, fall)[:, -RECENT_SECONDS:])


def _resolution(baseline: Baseline, nominal: Floats, latest_hz: Floats) -> Floats:
    """The smallest change seen; of a value that never changed, the coarsest step that explains it and the newest reading."""
    constant = np.nan_to_num(baseline.median_hz) + nominal
    apparent = np.minimum(apparent_resolution(constant), apparent_resolution(latest_hz))
    return np.minimum(np.where(baseline.changes > 0, baseline.resolution_hz, apparent), COARSEST_HZ)


def _restlessness(baseline: Baseline, group: Indices, groups: int) -> Floats:
    own = np.square(baseline.walk_hz / WALK) / RESTLESS_SPAN_S
    shared = median_by_group(np.where(own > 0, own, np.nan), group, groups)
    size = np.bincount(group, minlength=groups)[group] if groups else np.zeros(0, dtype=np.int64)
    return np.where((size >= 3) & ~np.isnan(shared), shared, own)
