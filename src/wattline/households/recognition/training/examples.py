"""What the trees are shown: rows of features with their class, the appliance each comes from, and its weight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattline.households.recognition import profiles, start_ups
from wattline.households.recognition.classes import ACSF1, CATEGORY, PLAID
from wattline.households.recognition.datasets import Series
from wattline.households.recognition.electrical import MAINS_V, RECORD_S, Signature, signature
from wattline.households.recognition.shape import Shape, measured

_WINDOWS = 8
_LEAST_W = 25.0
"""Below this a home has no peak, so an appliance that never exceeds it gives no examples of one."""
_GAP = 18
_PEAKS_EACH = 8
_STRANGE = 160


@dataclass(frozen=True, slots=True)
class Examples:
    """`rows` (n, features) of class `labels`, one more than the last class for noise; `weights` say how much each row counts.

    Rows of one `source` come from one series. `whole` marks the rows to be judged by: no parts, no noise.
    """

    classes: tuple[str, ...]
    rows: NDArray[np.float32]
    labels: NDArray[np.int64]
    source: NDArray[np.int64]
    whole: NDArray[np.bool_]
    weights: NDArray[np.float64]


def _together(
    classes: tuple[str, ...],
    rows: Sequence[NDArray[np.float32]],
    labels: NDArray[np.int64],
    source: NDArray[np.int64],
    whole: NDArray[np.bool_],
    strange: Sequence[NDArray[np.float32]],
) -> Examples:
    """Each series counts once, however many rows it gives; all noise together counts as much as a usual class."""
    count, own = len(strange), 1 / np.bincount(source)[source]
    return Examples(
        classes,
        np.concatenate((rows, strange)),
        np.concatenate((labels, np.full(count, len(classes)))),
        np.concatenate((source, source.max() + 1 + np.arange(count))),
        np.concatenate((whole, np.zeros(count, np.bool_))),
        np.concatenate((own, np.full(count, own.sum() / len(classes) / count))),
    )


def start_up_examples(held: Series, random: np.random.Generator) -> Examples:
    """One row a trace of PLAID."""
    rows = [start_ups.features(trace) for trace in held.values]
    count = len(rows)
    strange = [start_ups.features(_strange(random, 300) * 10 ** random.uniform(-3, 2)) for _ in range(_STRANGE)]
    return _together(PLAID, rows, held.labels, np.arange(count), np.ones(count, np.bool_), strange)


def profile_examples(held: Series, random: np.random.Generator) -> Examples:
    """A recording of ACSF1 as it is, and parts of it: so the trees do not rest on where in the hour something happened."""
    rows, source, whole = [], [], []
    for number, series in enumerate(held.values):
        full = signature(series)
        for each in (full, *(_part(full, random) for _ in range(_WINDOWS))):
            rows.append(profiles.features(each))
            source.append(number)
            whole.append(each is full)
    strange = [profiles.features(_strange_signature(random)) for _ in range(_STRANGE)]
    return _together(ACSF1, rows, held.labels[source], np.array(source), np.array(whole), strange)


def peak_examples(held: Series, random: np.random.Generator) -> Examples:
    """The peaks that the appliances of ACSF1 would make in a home, as a meter reads them every 15 to 21 s."""
    shapes: list[Shape] = []
    source: list[int] = []
    for number, series in enumerate(held.values):
        found = peaks(signature(series).active_w, random)
        shapes += found
        source += [number] * len(found)
    used = sorted({CATEGORY[ACSF1[held.labels[number]]] for number in source})
    labels = np.array([used.index(CATEGORY[ACSF1[held.labels[number]]]) for number in source])
    _, own = np.unique(source, return_inverse=True)
    # At the level of the real ones: power alone makes nothing noise.
    levels = random.choice([shape.level_w for shape in shapes], _STRANGE) * np.exp(random.normal(0, 0.5, _STRANGE))
    noise = (_read(_strange(random, int(random.integers(20, 360))) * level, random) for level in levels)
    strange = [shape.features() for shape in noise if shape is not None]
    return _together(tuple(used), [shape.features() for shape in shapes], labels, own, np.ones(len(own), np.bool_), strange)


def peaks(active_w: NDArray[np.float64], random: np.random.Generator) -> list[Shape]:
    """Cut the stretches of a recording that stand out, with a little of what is around them, above what it draws otherwise."""
    limit = max(_LEAST_W, 0.3 * float(np.quantile(active_w, 0.995)))
    on = np.flatnonzero(active_w > limit)
    if on.size < 3:
        return []
    off = active_w[active_w <= limit]
    base = float(np.median(off)) if off.size else 0.0
    breaks = np.flatnonzero(np.diff(on) > _GAP)
    spans = list(zip(on[np.r_[0, breaks + 1]], on[np.r_[breaks, on.size - 1]] + 1, strict=True))
    if len(spans) > _PEAKS_EACH:
        spans = [spans[place] for place in sorted(random.permutation(len(spans))[:_PEAKS_EACH])]
    if len(spans) == 1 and spans[0][1] - spans[0][0] > 120:
        begin, end = spans[0]
        for length in (60, 120, 200):
            start = int(random.integers(begin, max(end - length, begin) + 1))
            spans.append((start, min(start + length, end)))
    found = []
    for begin, end in spans:
        held = np.maximum(active_w[max(begin - 2, 0) : end + 2] - base, 0)
        for _ in range(2):
            shape = _read(held, random)
            if shape is not None and shape.level_w >= _LEAST_W:
                found.append(shape)
    return found


def _read(power: NDArray[np.float64], random: np.random.Generator) -> Shape | None:
    """As a meter sends it: the mean of each interval, every 15 to 21 s, beginning anywhere."""
    total = power.size * RECORD_S
    cadence = random.uniform(15, 21)
    times = np.arange(random.uniform(0, min(cadence, total / 8)), total, cadence)
    if times.size < 4:
        times = np.linspace(0, total, 4)
    energy = np.interp(times, np.arange(power.size + 1) * RECORD_S, np.concatenate(([0.0], np.cumsum(power) * RECORD_S)))
    return measured((times[1:] * 1e6).astype(np.int64), np.diff(energy) / np.diff(times), 0.0)


def _part(full: Signature, random: np.random.Generator) -> Signature:
    """Sixty to a hundred per cent of the hour at a slightly other power, filled up with its mirror image."""
    size = full.active_w.size
    length = int(size * random.uniform(0.6, 1))
    begin = int(random.integers(0, size - length + 1))
    gain = 1 + random.normal(0, 0.05)

    def cut(values: NDArray[np.float64], by: float) -> NDArray[np.float64]:
        part = values[begin : begin + length] * by
        return np.concatenate((part, part[::-1]))[:size]

    columns: Sequence[NDArray[np.float64]] = (full.active_w, full.reactive_var, full.current_a)
    active, reactive, current = (cut(values, gain) for values in columns)
    return Signature(active, reactive, cut(full.voltage_v, 1.0), current)


def _strange(random: np.random.Generator, size: int) -> NDArray[np.float64]:
    """Something that no appliance does, around 1: noise, a tone of any frequency, a ramp, a random walk."""
    kind = int(random.integers(4))
    if kind == 0:
        found = np.abs(random.normal(random.uniform(0, 1), random.uniform(0.3, 1), size))
    elif kind == 1:
        found = 1 + random.uniform(0.5, 1) * np.sin(np.arange(size) * random.uniform(0.01, 3) + random.uniform(0, 6))
    elif kind == 2:
        begin, end = random.permutation([0.02, random.uniform(1, 3)])
        found = np.linspace(float(begin), float(end), size) + random.normal(0, 0.03, size)
    else:
        found = np.abs(np.cumsum(random.normal(0, 1, size))) / np.sqrt(size) + random.uniform(0, 1)
    return np.asarray(found, np.float64)


def _strange_signature(random: np.random.Generator) -> Signature:
    size, power = 365, 10 ** random.uniform(0.5, 3.5)
    active, reactive = _strange(random, size) * power, (_strange(random, size) - 0.5) * power * random.uniform(0, 1)
    voltage = random.normal(MAINS_V, 1, size)
    return Signature(active, reactive, voltage, np.hypot(active, reactive) / voltage)
