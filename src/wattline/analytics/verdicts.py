"""Both models applied to one window: everything from readings to scores, as a pure function of the two."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from wattline.analytics import detectors
from wattline.analytics.detectors import Finding
from wattline.analytics.evidence import Evidence, gather
from wattline.analytics.model import ANOMALY, ROBUST, ZSCORE, Flags, Floats, FrequencyWindow, Indices, Score, SubstationKey
from wattline.analytics.settings import ScoringSettings
from wattline.analytics.zscore import score_of, z_of

WARMING_UP = "warming_up"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One model's scores, in the order of the window, with what the grouping of incidents needs besides.

    `onset_us` is the first instant past a limit (the scored instant where none is), `common` is true where only detectors of
    the shared frequency went past theirs, `group` numbers the interconnections.
    """

    model: str
    scores: list[Score]
    onset_us: Indices
    common: Flags
    group: Indices


def judge(
    window: FrequencyWindow, settings: ScoringSettings, flat: Collection[SubstationKey] = (), listening_us: int = 0
) -> list[Verdict]:
    """Score every substation that ever reported with both models.

    `flat` names those that were flat at the previous score; `listening_us` is since when readings could arrive at all.
    """
    known = np.flatnonzero(np.isfinite(window.newest_hz))
    keys = [window.keys[row] for row in known.tolist()]
    if len(keys) < len(window.keys):
        window = FrequencyWindow(
            keys, window.frequency_hz[known], window.start_us, window.newest_us[known], window.newest_hz[known]
        )
    areas = [settings.interconnection(key) for key in keys]
    evidence = gather(window, areas, listening_us)
    baseline = evidence.measured.baseline
    z = z_of(baseline, evidence.latest_hz - evidence.nominal_hz)
    held = np.array([key in flat for key in keys], dtype=np.bool_)
    alert = np.array([area.limits.alert_hz for area in areas], dtype=np.float64)
    normal = np.array([area.limits.normal_hz for area in areas], dtype=np.float64)
    findings = [
        detectors.z_robust(evidence, settings.sensitivity),
        detectors.residual(evidence, settings.sensitivity),
        detectors.rocof(evidence, settings.sensitivity),
        detectors.step(evidence, settings.sensitivity),
        detectors.limit(evidence, alert),
        detectors.limit_warning(evidence, normal),
        detectors.flatline(evidence, settings.sensitivity, held),
        detectors.stale(evidence, settings.sensitivity),
    ]
    return [_compatible(window, evidence, z), _robust(window, evidence, z, findings)]


def _compatible(window: FrequencyWindow, evidence: Evidence, z: Floats) -> Verdict:
    score = score_of(z)
    at = np.full(len(score), evidence.at_us, dtype=np.int64)
    finding = Finding("z_score", False, score, at)
    return _verdict(ZSCORE, window, evidence, z, [finding])


def _robust(window: FrequencyWindow, evidence: Evidence, z: Floats, findings: list[Finding]) -> Verdict:
    return _verdict(ROBUST, window, evidence, z, findings)


def _verdict(model: str, window: FrequencyWindow, evidence: Evidence, z: Floats, findings: list[Finding]) -> Verdict:
    scores = np.stack([finding.score for finding in findings])
    total = scores.max(axis=0)
    beyond = scores >= ANOMALY
    onset = np.where(beyond, np.stack([finding.onset_us for finding in findings]), evidence.at_us).min(axis=0)
    local = np.array([finding.local for finding in findings])
    common = beyond.any(axis=0) & ~(beyond & local[:, None]).any(axis=0)
    return Verdict(
        model=model,
        scores=_scores(model, window, evidence, z, total, _reasons(findings, evidence)),
        onset_us=onset,
        common=common,
        group=evidence.group,
    )


def _reasons(findings: list[Finding], evidence: Evidence) -> dict[int, tuple[str, ...]]:
    """The codes of every substation that has any: detectors at their limit, a lasting warning, and a baseline still forming."""
    marks = [(finding.code, finding.score >= (0.5 if finding.code == "limit_warning" else ANOMALY)) for finding in findings]
    marks.append((WARMING_UP, evidence.measured.baseline.warming))
    found: dict[int, tuple[str, ...]] = {}
    for code, flags in marks:
        for row in np.flatnonzero(flags).tolist():
            found[row] = (*found.get(row, ()), code)
    return found


def _scores(
    model: str,
    window: FrequencyWindow,
    evidence: Evidence,
    z: Floats,
    total: Floats,
    reasons: dict[int, tuple[str, ...]],
) -> list[Score]:
    baseline = evidence.measured.baseline
    # Without a single baseline reading the newest one stands in: an answer in JSON has no place for NaN.
    empty = np.isnan(baseline.median_hz)
    mean = np.where(empty, evidence.latest_hz, baseline.mean_hz + evidence.nominal_hz)
    columns = zip(
        window.keys,
        total.tolist(),
        z.tolist(),
        mean.tolist(),
        baseline.std_hz.tolist(),
        evidence.latest_hz.tolist(),
        strict=True,
    )
    return [
        Score(key[0], key[1], evidence.at_us, model, score, score >= ANOMALY, sigmas, centre, std, value, reasons.get(row, ()))
        for row, (key, score, sigmas, centre, std, value) in enumerate(columns)
    ]
