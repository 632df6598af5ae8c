"""Features of an hour of one appliance in watts, vars and amperes, every 10 s: what ACSF1 holds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattline.households.recognition.columns import Column, correlation, lagged, runs, signed_log, standardised
from wattline.households.recognition.electrical import MAINS_V, Signature

_QUANTILES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 1.0)
_FIXED_W = (5.0, 50.0, 500.0)
_LAGS = (1, 2, 3, 6, 12, 30, 60, 90)
_EDGES = np.array([1, 3, 6, 10, 16, 25, 40, 64, 100])
"""Edges of the spectrum's bands, in periods an hour."""


def features(signature: Signature) -> NDArray[np.float32]:
    """The features of one recording: levels on a logarithmic scale, shape, switching, spectrum, and the power factor."""
    active, reactive = signature.active_w, signature.reactive_var
    factor = active / (np.hypot(active, reactive) + 0.5)
    order = np.argsort(active, kind="stable")
    quarter = len(order) // 4
    idle, busy = order[:quarter], order[-quarter:]
    return np.array(
        [
            *_levels(active),
            *_switching(active),
            *_rhythm(active),
            *_levels(reactive),
            *_levels(signature.current_a * MAINS_V),
            *np.quantile(factor, (0.0, 0.1, 0.5, 0.9, 1.0)),
            float(np.median(factor[busy])),
            float(np.median(factor[idle])),
            float(np.median(reactive[busy])),
            float(np.median(reactive[idle])),
            correlation(active, signature.voltage_v, 1e-3),
        ],
        np.float32,
    )


def _levels(values: Column) -> list[float]:
    quantiles = np.quantile(values, _QUANTILES)
    change = np.abs(np.diff(values))
    reach = quantiles[-1] - quantiles[0] + 1e-6
    return [
        *signed_log(quantiles, 0.1),
        float(signed_log(float(values.mean()), 0.1)),
        float(signed_log(float(values.std()), 0.1)),
        float(signed_log(float(np.quantile(change, 0.5)), 0.01)),
        float(signed_log(float(np.quantile(change, 0.9)), 0.01)),
        float(signed_log(float(change.max()), 0.1)),
        float(signed_log(float(change.mean()), 0.01)),
        *((quantiles - quantiles[0]) / reach)[1:-1],
        float((values.mean() - quantiles[0]) / reach),
    ]


def _switching(active: Column) -> list[float]:
    """How often and how long it is on, above parts of its range and above fixed powers."""
    low, reach = float(active.min()), float(np.ptp(active))
    found: list[float] = []
    for limit in (low + 0.1 * reach, low + 0.5 * reach, *_FIXED_W):
        on = active > limit
        rises, lengths = runs(on)
        found += [float(on.mean()), rises, *((lengths.mean(), lengths.max()) if lengths.size else (0, 0))]
    return found


def _rhythm(active: Column) -> list[float]:
    unit = standardised(active, 1e-3)
    power = np.abs(np.fft.rfft(unit * np.hanning(unit.size))) ** 2
    bands = np.add.reduceat(power, _EDGES[power.size > _EDGES]) / (power.sum() + 1e-9)
    return [
        *np.pad(bands, (0, _EDGES.size - bands.size)),
        *lagged(unit, _LAGS),
        float(np.mean(unit**3)),
        float(np.mean(unit**4)),
        np.unique(np.round(active)).size,
        np.unique(np.round(active / 10)).size,
    ]
