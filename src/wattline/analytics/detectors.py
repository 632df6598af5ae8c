"""The detectors of `robust-2`. Each compares one measurement with its limit and says how far along it is, and since when.

A detector's ratio is measurement / limit, 0 where there is nothing to judge. Its score is 0.7 at the limit and 1.0 at twice
the limit. The median of the last 5 s shows what lasts; the worst second of the last 60 s shows what was over before the
scored instant. A lone second proves less, so where noise is the yardstick it must exceed the limit by half as much again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wattline.analytics.evidence import Evidence
from wattline.analytics.flatline import LEAST_REPEATS, flat_limit
from wattline.analytics.limits import WARNING_SECONDS
from wattline.analytics.model import ANOMALY, CALM, RECENT_SECONDS, WINDOW_SECONDS, Flags, Floats, Indices
from wattline.analytics.presence import stale_limit
from wattline.analytics.rows import row_medians
from wattline.analytics.settings import Sensitivity
from wattline.model.clock import SECOND

SETTLED_SECONDS = 5
DOUBTFUL_VALUES = 20
LEAST_VALUES = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """One detector's scores, and the instant (us) at which each substation first went past the limit.

    `local` detectors see what only this substation does; the others see the frequency, which the whole interconnection shares.
    """

    code: str
    local: bool
    score: Floats
    onset_us: Indices


def severity(ratio: Floats) -> Floats:
    """Piecewise linear: 0 at 0, 0.7 at a detector's limit, 1.0 at twice it and beyond."""
    return np.asarray(np.where(ratio <= 1.0, ANOMALY * ratio, np.minimum(ANOMALY + (1.0 - ANOMALY) * (ratio - 1.0), 1.0)))


def settled(recent: Floats) -> Floats:
    """The median of the last 5 s, or the newest of the minute for a substation that sent nothing in them; NaN if none."""
    found = row_medians(recent[:, -SETTLED_SECONDS:])
    present = ~np.isnan(recent)
    newest = RECENT_SECONDS - 1 - present[:, ::-1].argmax(axis=1)
    return np.where(np.isnan(found), recent[np.arange(len(recent)), newest], found)


def z_robust(evidence: Evidence, sensitivity: Sensitivity) -> Finding:
    """Distance from the baseline's median, in robust sigmas; the sigma is never below what the wandering explains."""
    baseline = evidence.measured.baseline
    floor = np.maximum(sensitivity.floor_hz, evidence.resolution_hz)
    sigma = np.fmax(np.fmax(floor, baseline.mad_hz), baseline.walk_hz)
    limit = sensitivity.z_sigmas * sigma
    distance = np.abs(evidence.measured.recent - baseline.median_hz[:, None])
    late = (evidence.age_s > RECENT_SECONDS) & (evidence.age_s <= stale_limit(evidence.measured.presence.cadence_s, 0.0))
    lasting = np.where(late, evidence.latest_hz - evidence.nominal_hz, settled(evidence.measured.recent)) - baseline.median_hz
    return _lasting_or_worst("z_robust", evidence, np.abs(lasting), distance, limit, sensitivity.lone_second)


def residual(evidence: Evidence, sensitivity: Sensitivity) -> Finding:
    """Distance from the others. The reference is fixed at zero: neither a drift nor an offset becomes normal with time."""
    measured = evidence.measured
    resolution = np.maximum(evidence.resolution_hz, evidence.neighbour_resolution_hz)
    # The fewer different values the noise was learned from, the less it is known.
    doubt = 1.0 + DOUBTFUL_VALUES / np.maximum(measured.baseline.changes, LEAST_VALUES)
    limit = np.maximum(sensitivity.residual_hz + resolution, sensitivity.residual_sigmas * doubt * measured.noise)
    lasting = settled(measured.residual)
    return _lasting_or_worst("residual", evidence, lasting, measured.residual, limit, sensitivity.lone_second, local=True)


def _lasting_or_worst(
    code: str, evidence: Evidence, lasting: Floats, seconds: Floats, limit: Floats, lone: float, *, local: bool = False
) -> Finding:
    limit = np.where(evidence.measured.baseline.warming, np.nan, limit)
    found = _worst(code, evidence, seconds / (lone * limit)[:, None], local=local)
    score = severity(np.nan_to_num(lasting / limit))
    stands = score >= ANOMALY
    since = np.where(stands, np.minimum(found.onset_us, evidence.at_us - SETTLED_SECONDS * SECOND), found.onset_us)
    return Finding(code, local, np.maximum(found.score, score), since)


def _worst(code: str, evidence: Evidence, ratio: Floats, *, local: bool = False) -> Finding:
    """The score of the worst second; the onset is the first second past the limit."""
    known = np.nan_to_num(ratio)
    beyond = severity(known) >= ANOMALY
    first = evidence.at_us + (beyond.argmax(axis=1) - RECENT_SECONDS) * SECOND
    return Finding(code, local, severity(known.max(axis=1, initial=0.0)), np.where(beyond.any(axis=1), first, evidence.at_us))


def rocof(evidence: Evidence, sensitivity: Sensitivity) -> Finding:
    """Rate of change of frequency over 5 s. Needs no baseline."""
    return _worst("rocof", evidence, evidence.measured.rocof / sensitivity.rocof_hz_per_s)


def step(evidence: Evidence, sensitivity: Sensitivity) -> Finding:
    """A sudden change of level: the CUSUM of the changes between readings."""
    baseline = evidence.measured.baseline
    usual = np.maximum(sensitivity.step_sigmas * baseline.change_hz, sensitivity.jump_sigmas * baseline.jump_hz)
    limit = np.maximum(sensitivity.step_hz + evidence.resolution_hz, usual)
    return _worst("step", evidence, evidence.measured.step / np.where(baseline.warming, np.nan, limit)[:, None])


def limit(evidence: Evidence, alert_hz: Floats) -> Finding:
    """Beyond the alert limit in any second of the last minute, and surely so: half a step of resolution is allowed for."""
    surely = alert_hz + evidence.resolution_hz / 2
    return _worst("limit", evidence, np.abs(evidence.measured.recent) / surely[:, None])


def limit_warning(evidence: Evidence, normal_hz: Floats) -> Finding:
    """Outside the normal band for 10 s on end: not an anomaly by itself (score 0.5), but it keeps one from clearing."""
    outside = np.abs(evidence.measured.held) > normal_hz[:, None]
    runs = np.lib.stride_tricks.sliding_window_view(outside, WARNING_SECONDS, axis=1)
    long = np.logical_and.reduce(runs, axis=2)
    first = evidence.at_us + (long.argmax(axis=1) - RECENT_SECONDS) * SECOND
    lasted = np.logical_or.reduce(long, axis=1)
    return Finding("limit_warning", False, np.where(lasted, CALM, 0.0), np.where(lasted, first, evidence.at_us))


def stale(evidence: Evidence, sensitivity: Sensitivity) -> Finding:
    """No reading for 15 s, or for three of its own intervals if it reports more seldom."""
    patience = stale_limit(evidence.measured.presence.cadence_s, sensitivity.stale_s)
    onset = evidence.at_us - ((evidence.silence_s - patience) * SECOND).astype(np.int64)
    return Finding("stale", True, severity(evidence.silence_s / patience), np.minimum(onset, evidence.at_us))


def flatline(evidence: Evidence, sensitivity: Sensitivity, held: Flags) -> Finding:
    """One value for 120 s, or for longer than this instrument can be expected to repeat one.

    `held` marks substations that were flat at the previous score: a stuck sensor takes its own restlessness away with it,
    and would otherwise be forgiven as soon as its past is as flat as its present.
    """
    run = evidence.measured.flat
    baseline = evidence.measured.baseline
    patience = flat_limit(run, evidence.resolution_hz, evidence.restlessness, sensitivity.flatline_s)
    patience = np.where(held, sensitivity.flatline_s, patience)
    judged = (run.repeats >= LEAST_REPEATS) & (held | ~baseline.warming)
    ratio = np.where(judged, run.duration_s / patience, 0.0)
    passed = run.began_s + np.where(np.isfinite(patience), patience, 0.0) - WINDOW_SECONDS
    onset = evidence.at_us + (np.minimum(passed, 0.0) * SECOND).astype(np.int64)
    return Finding("flatline", True, severity(ratio), onset)
