"""The rows of a meter as the samples that power quality looks at."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import sqrt
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from wattline.metering.model import Channel, Meter
from wattline.model.record import NEVER, Quality, Row
from wattline.quality.config import Config
from wattline.quality.disturbance import LINES, PHASES, Disturbance
from wattline.quality.imbalance import imbalance
from wattline.quality.lane import Lane, Steady
from wattline.quality.marks import some

FIELDS = (
    *(f"voltage_{name}" for name in (*PHASES, *LINES)),
    *(f"thd_v_{name}" for name in PHASES),
    "frequency",
)
"""The fields of a reading that are looked at, in the order of a sample's values."""
PHASE, LINE, THD, FREQUENCY = slice(0, 3), slice(3, 6), slice(6, 9), 9
Values = NDArray[np.float64]


class Source(NamedTuple):
    """Where fields of a meter are in rows of one stream: (place in FIELDS, column, factor) of each."""

    stream: int
    places: tuple[tuple[int, int, float], ...]


def sources(channels: Sequence[Channel | None]) -> list[Source]:
    """The streams that hold the FIELDS of a meter, given the channel of each."""
    found: dict[int, list[tuple[int, int, float]]] = {}
    for place, channel in enumerate(channels):
        if channel is not None:
            found.setdefault(channel.stream.id, []).append((place, channel.column, channel.factor))
    return [Source(stream, tuple(places)) for stream, places in found.items()]


def samples(rows: Sequence[Row], places: Sequence[tuple[int, int, float]]) -> tuple[NDArray[np.int64], Values]:
    """Times and values (rows x FIELDS, NaN for what is absent or BAD) of rows of one stream, in their order."""
    columns = [column for _, column, _ in places]
    taken = np.array([[row.values[column] for column in columns] for row in rows], np.float64)
    if any(row.quality for row in rows):
        quality = np.array(
            [
                [row.quality[c] for c in columns] if isinstance(row.quality, tuple) else [row.quality] * len(columns)
                for row in rows
            ]
        )
        taken[quality >= Quality.BAD] = np.nan
    times = np.array([row.time for row in rows], np.int64)
    values = np.full((len(rows), len(FIELDS)), np.nan)
    values[:, [place for place, _, _ in places]] = taken * np.array([factor for _, _, factor in places])
    return times, values


def feed(lane: Lane, meter: Meter, config: Config, times: NDArray[np.int64], values: Values) -> tuple[list[Disturbance], int]:
    """Follow readings; what began, changed its type or ended, and how many times came too late to be judged.

    What is not newer than all of its kind before it is not judged: voltages by themselves, all else by itself. So a reading
    that comes in two messages of one time is judged whole, and a late one changes nothing that was decided.
    """
    told: list[Disturbance] = []
    delta = meter.wiring == "3p3w"
    preferred, other = (values[:, LINE], values[:, PHASE]) if delta else (values[:, PHASE], values[:, LINE])
    has = some(~np.isnan(preferred))
    alone = ~has & some(~np.isnan(other))
    new = _newer(times, has | alone, lane.rms.last)
    first, second = (LINES, PHASES) if delta else (PHASES, LINES)
    other_config = config_for(config, meter, second)
    across = other_config.nominal_voltage
    for start, stop, kind in _runs(np.where(new, np.where(has, 1, 2), 0)):
        if kind:
            part, volts, names, own = slice(start, stop), preferred, first, config
            if kind == 2:
                volts, names, own = other, second, other_config
            told += lane.feed_rms(times[part], volts[part], own, names=names, method="interval_rms", resolution=None)
    late = int(((has | alone) & ~new).sum())
    found, assumed = imbalance(config.imbalance_method, values[:, PHASE], values[:, LINE])  # type: ignore[arg-type]
    steady = np.column_stack([values[:, THD], found, values[:, FREQUENCY]])
    known = some(~np.isnan(steady))
    use = _newer(times, known, lane.levelled)
    late = max(late, int((known & ~use).sum()))
    if use.any():
        nominal = np.where(has, config.nominal_voltage, across)[:, None]
        flagged = is_flagged(np.where(has[:, None], preferred, other) / nominal, config)[use]
        steady = steady[use]
        part_of = Steady(steady[:, :3], steady[:, 3], steady[:, 4], assumed[use])
        told += lane.feed_steady(times[use], part_of, flagged, config, method="interval_rms", resolution=None)
    return told, late


def config_for(config: Config, meter: Meter, names: Sequence[str]) -> Config:
    """The thresholds for these channels: the nominal voltage is of lines where the meter has no neutral, else of phases."""
    delta, lines = meter.wiring == "3p3w", bool(names) and names[0] in LINES
    if delta == lines:
        return config
    across = config.nominal_voltage / sqrt(3) if delta else config.nominal_voltage * sqrt(3)
    return msgspec.structs.replace(config, nominal_voltage=across)


def is_flagged(pu: Values, config: Config) -> NDArray[np.bool_]:
    """Samples in which a voltage (in per unit) is beyond a threshold: IEC 61000-4-30 flags what else is measured meanwhile."""
    return some((pu < config.sag) | (pu > config.swell))


def _newer(times: NDArray[np.int64], has: NDArray[np.bool_], last: int | None) -> NDArray[np.bool_]:
    """Which samples, of those that have something, are newer than all before them."""
    seen = np.where(has, times, NEVER)
    before = np.maximum.accumulate(np.concatenate([[NEVER if last is None else last], seen]))[:-1]
    return np.asarray(has & (times > before))


def _runs(kinds: NDArray[np.int_]) -> list[tuple[int, int, int]]:
    """Stretches of one kind: (start, stop, kind)."""
    if not len(kinds):
        return []
    edges = [0, *(np.flatnonzero(np.diff(kinds)) + 1).tolist(), len(kinds)]
    return [(start, stop, int(kinds[start])) for start, stop in pairwise(edges)]
