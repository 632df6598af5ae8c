"""The stuck sensor: how long each substation has shown one and the same value, and how long it may.

A quantised instrument repeats a value while the frequency stays within one step of its resolution, and a slow one while it
waits for its own next measurement. Both are told from the substation's own past, so neither is taken for stuck.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wattline.analytics.baseline import SAME_HZ
from wattline.analytics.model import Flags, Floats, Indices

LEAST_REPEATS = 10
"""Fewer equal readings than this prove nothing."""
PATIENT_RUNS = 10.0
"""How many times its usual run of equal values a substation may repeat one."""
DECIMALS = (1.0, 0.1, 0.01, 0.001)


@dataclass(frozen=True, slots=True)
class FlatRun:
    """Per substation: seconds from the first to the newest of the latest equal readings, and how many they are.

    `usual_s` is the mean time between changes before this run (0 where there was none), `whole` says that the value never
    changed in the window, `began_s` is the run's first second as a column.
    """

    duration_s: Floats
    repeats: Indices
    usual_s: Floats
    whole: Flags
    began_s: Indices


def flat_run(deviation_hz: Floats, filled_hz: Floats, present: Flags) -> FlatRun:
    """Measure the run of equal readings at the end of every row; `filled_hz` is the row with gaps filled forward."""
    rows, width = deviation_hz.shape
    changed = np.zeros((rows, width), dtype=np.bool_)
    changed[:, 1:] = np.abs(np.diff(filled_hz, axis=1)) > SAME_HZ
    some = present.any(axis=1)
    first = np.where(some, present.argmax(axis=1), 0)
    last = np.where(some, width - 1 - present[:, ::-1].argmax(axis=1), 0)
    changes = changed.sum(axis=1)
    began = np.where(changes > 0, width - 1 - changed[:, ::-1].argmax(axis=1), first)
    columns = np.arange(width)
    repeats = (present & (columns >= began[:, None])).sum(axis=1)
    return FlatRun(
        duration_s=np.where(some, last - began, 0).astype(np.float64),
        repeats=repeats,
        usual_s=np.where(changes > 0, (began - first) / np.maximum(changes, 1), 0.0),
        whole=some & (changes == 0),
        began_s=began,
    )


def apparent_resolution(value_hz: Floats) -> Floats:
    """The coarsest decimal step, 1 Hz to 1 mHz, that divides a frequency: the likely resolution of one never seen to change."""
    found = np.full(value_hz.shape, DECIMALS[-1])
    for step in reversed(DECIMALS):
        found[np.abs(value_hz / step - np.round(value_hz / step)) * step < SAME_HZ] = step
    return found


def flat_limit(run: FlatRun, resolution_hz: Floats, restlessness: Floats, limit_s: float) -> Floats:
    """Seconds of equal readings that are an anomaly.

    A frequency that wanders with variance c per second leaves a band of width q within 3 q^2/c seconds, all but surely (the
    chance of a diffusing value to stay is exp(-pi^2 c t / 2 q^2)). Where nothing is known to wander the limit is infinite.
    """
    stays = 3.0 * np.square(resolution_hz)
    still = np.where(restlessness > 0, stays / np.where(restlessness > 0, restlessness, 1.0), np.inf)
    return np.asarray(np.maximum(np.maximum(limit_s, PATIENT_RUNS * run.usual_s), still))
