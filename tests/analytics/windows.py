"""Windows of readings for the tests, made from plain rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattline.analytics.evidence import Evidence, gather
from wattline.analytics.limits import SIXTY_HERTZ
from wattline.analytics.model import WINDOW_SECONDS, FrequencyWindow, Score, SubstationKey
from wattline.analytics.settings import Interconnection, ScoringSettings
from wattline.analytics.verdicts import Verdict, judge
from wattline.model.clock import SECOND

Matrix = NDArray[np.float64]
END_US = 1_781_188_320 * SECOND
AREA = Interconnection("west", SIXTY_HERTZ)


def window_of(readings: Matrix, end_us: int = END_US, keys: list[SubstationKey] | None = None) -> FrequencyWindow:
    """The window whose newest readings are the last known value of each row, sent at the start of their second."""
    rows, width = readings.shape
    present = np.isfinite(readings)
    last = width - 1 - present[:, ::-1].argmax(axis=1) if rows else np.zeros(0, dtype=np.int64)
    start_us = end_us - WINDOW_SECONDS * SECOND
    newest_hz = np.where(present.any(axis=1), readings[np.arange(rows), last], np.nan)
    names = [("utility", f"SUB{row:03d}") for row in range(rows)] if keys is None else keys
    return FrequencyWindow(names, readings, start_us, start_us + last * SECOND, newest_hz)


def calm_grid(
    rng: np.random.Generator,
    substations: int,
    *,
    seconds: int = WINDOW_SECONDS,
    wander_hz: float = 0.001,
    noise_hz: float = 0.001,
) -> Matrix:
    """A shared random walk pulled back to 60 Hz, and a little noise of each substation's own, in steps of 1 mHz."""
    shared = np.zeros(seconds)
    kicks = rng.normal(0.0, wander_hz, seconds)
    value = 0.0
    for second in range(seconds):
        value = 0.998 * value + kicks[second]
        shared[second] = value
    return np.round(60.0 + shared + rng.normal(0.0, noise_hz, (substations, seconds)), 3)


def evidence_of(readings: Matrix) -> Evidence:
    """The measurements of a 60 Hz grid."""
    return gather(window_of(readings), [AREA] * len(readings))


def judged(
    readings: Matrix, settings: ScoringSettings | None = None, flat: set[SubstationKey] | None = None
) -> tuple[Verdict, Verdict]:
    """The verdicts of the compatible model and of our own."""
    compatible, robust = judge(window_of(readings), settings or ScoringSettings(), flat or set())
    return compatible, robust


def robust_scores(readings: Matrix) -> list[Score]:
    """Our own model's scores."""
    return judged(readings)[1].scores
