"""What a load may depend on in the weather: degrees of heating and cooling, now and as the building has felt them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from wattline.forecasting.model import Column, Floats, Ints

_HEATING = (16.0,)
_COOLING = (18.0, 24.0, 30.0)
"""Degrees Celsius below which one heats, and above which one cools, more and more."""
_FELT_HEATING, _FELT_COOLING = 16.0, (20.0, 25.0)
_MEMORIES_H = (6.0, 24.0, 72.0)
"""Time constants of walls, from light to heavy."""


def at_steps(columns: Mapping[str, Column], middles: Ints) -> Floats:
    """The columns at moments (us), by the lines between their values, level outside of them. Shape (moments, columns)."""
    return np.stack([np.interp(middles, column.times, column.values) for column in columns.values()], axis=-1)


def features(names: tuple[str, ...], weather: Floats) -> Floats:
    """The features of every step of weather (days, steps, columns): shape (days, steps, features)."""
    made = []
    for number, name in enumerate(names):
        column = weather[:, :, number]
        made += _temperature(column) if name == "temperature" else _other(column)
    return np.stack(made, axis=-1)


def _temperature(degrees: Floats) -> list[Floats]:
    light, day, heavy = (_smoothed(degrees, hours) for hours in _MEMORIES_H)
    warm = [_over(degrees, base) for base in _COOLING]
    hot_days = [_over(day, base) for base in _FELT_COOLING]
    return [
        degrees,
        *warm,
        *(_over(-degrees, -base) for base in _HEATING),
        warm[0] ** 2,
        light,
        _over(light, _FELT_COOLING[0]),
        day,
        *hot_days,
        _over(-day, -_FELT_HEATING),
        heavy,
        # A hot hour costs more in a house that has been hot for a day.
        warm[0] * hot_days[0],
    ]


def _other(values: Floats) -> list[Floats]:
    return [values, values**2, _smoothed(values, _MEMORIES_H[0])]


def _over(values: Floats, base: float) -> Floats:
    return np.maximum(values - base, 0.0)


def _smoothed(values: Floats, hours: float) -> Floats:
    """An exponential mean of the past, of this time constant: within a day a filter, applied as a triangular matrix."""
    steps = values.shape[1]
    share = 1 - np.exp(-24 / steps / hours)
    age = np.arange(steps)[:, None] - np.arange(steps)[None, :]
    inputs = values @ np.where(age >= 0, share * (1 - share) ** np.maximum(age, 0), 0.0).T
    kept = (1 - share) ** np.arange(1, steps + 1)
    before = [float(values[0].mean())]
    for added in inputs[:-1, -1].tolist():
        before.append(added + float(kept[-1]) * before[-1])
    return np.asarray(inputs + np.array(before)[:, None] * kept)
