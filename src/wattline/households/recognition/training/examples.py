"""What the trees are shown: rows of features with their class, the appliance each comes from, and its weight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattline.households.recognition import profiles, start_ups
from wattline.households.recognition.classes import ACSF1, CATEGORY, PLAID
from wattline.households.recognition.datasets import Series
from wattline.households.recognition.electrical import MAINS_V, Signature, signature
from wattline.households.recognition.metered import LEAST_W, metered, metered_peaks
from wattline.households.recognition.shape import measured

_WINDOWS = 8
_STRANGE = 160


@dataclass(frozen=True, slots=True)
class Examples:
    """`rows` (n, features) of class `labels`; `weights` say how much each row counts.

    Labels from the number of classes on are of what was made up, the last one of noise. Rows of one `source` come from one
    series. `whole` marks the rows to be judged by: no parts, nothing made up.
    """

    classes: tuple[str, ...]
    rows: NDArray[np.float32]
    labels: NDArray[np.int64]
    source: NDArray[np.int64]
    whole: NDArray[np.bool_]
    weights: NDArray[np.float64]


Rows = Sequence[NDArray[np.float32]]


def _together(
    classes: tuple[str, ...],
    rows: Rows,
    labels: NDArray[np.int64],
    source: NDArray[np.int64],
    whole: NDArray[np.bool_],
    made_up: Sequence[Rows],
) -> Examples:
    """Each series counts once, however many rows it gives; each kind that was made up counts as much as a usual class."""
    own = 1 / np.bincount(source)[source]
    sizes = [len(each) for each in made_up]
    count, kinds = sum(sizes), np.arange(len(made_up))
    return Examples(
        classes,
        np.concatenate((rows, *made_up)),
        np.concatenate((labels, np.repeat(len(classes) + kinds, sizes))),
        np.concatenate((source, source.max() + 1 + np.arange(count))),
        np.concatenate((whole, np.zeros(count, np.bool_))),
        np.concatenate((own, np.repeat(own.sum() / len(classes) / np.array(sizes), sizes))),
    )


def start_up_examples(held: Series, random: np.random.Generator) -> Examples:
    """One row a trace of PLAID."""
    rows = [start_ups.features(trace) for trace in held.values]
    count = len(rows)
    strange = [start_ups.features(_strange(random, 300) * 10 ** random.uniform(-3, 2)) for _ in range(_STRANGE)]
    return _together(PLAID, rows, held.labels, np.arange(count), np.ones(count, np.bool_), [strange])


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
    return _together(ACSF1, rows, held.labels[source], np.array(source), np.array(whole), [strange])


def peak_examples(held: Series, random: np.random.Generator) -> Examples:
    """The peaks that the appliances of ACSF1 would make in a home, as a meter reads them every 15 to 21 s."""
    shapes = []
    source: list[int] = []
    for number, series in enumerate(held.values):
        read = metered_peaks(signature(series).active_w, random)
        found = [shape for shape in (measured(*each, 0.0) for each in read) if shape is not None and shape.level_w >= LEAST_W]
        shapes += found
        source += [number] * len(found)
    used = sorted({CATEGORY[ACSF1[held.labels[number]]] for number in source})
    labels = np.array([used.index(CATEGORY[ACSF1[held.labels[number]]]) for number in source])
    _, own = np.unique(source, return_inverse=True)
    # At the level of the real ones: power alone makes nothing noise.
    levels = random.choice([shape.level_w for shape in shapes], _STRANGE) * np.exp(random.normal(0, 0.5, _STRANGE))
    noise = (metered(_strange(random, int(random.integers(20, 360))) * level, random) for level in levels)
    switched = (metered(_switched(random), random) for _ in range(_STRANGE))
    made_up = [
        [shape.features() for shape in (measured(*each, 0.0) for each in kind) if shape is not None]
        for kind in (switched, noise)
    ]
    return _together(tuple(used), [shape.features() for shape in shapes], labels, own, np.ones(len(own), np.bool_), made_up)


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


def _switched(random: np.random.Generator) -> NDArray[np.float64]:
    """Something that appliances in general do: a few powers, each held for a while, of any size and for up to two hours."""
    size, powers = int(random.integers(6, 720)), np.exp(random.uniform(np.log(30), np.log(12_000))) * np.array([1.0, 0.5, 0.05])
    powers[1:] *= random.uniform(0, 1.5, 2)
    shares = random.dirichlet((3, 0.5, 1))
    held: list[float] = []
    while len(held) < size:
        held += [float(random.choice(powers, p=shares))] * int(random.geometric(1 / random.uniform(3, 200)))
    return np.maximum(np.array(held[:size]) * (1 + random.normal(0, 0.01, size)), 0)


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
