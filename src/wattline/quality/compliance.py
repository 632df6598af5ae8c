"""Whether a week of measured values keeps EN 50160 or IEEE 519. Pure: values in, criteria out."""

from __future__ import annotations

from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

Standard = Literal["en50160", "ieee519"]
Values = NDArray[np.float64]


class Criterion(msgspec.Struct, frozen=True):
    """One thing that a standard asks.

    `value` is what the standard judges, in `unit`; where it judges a share of the time, `within_pct` is the share measured and
    `required_pct` the one asked. `compliant` is None where nothing was measured; `coverage_pct` is how much of the period was.
    """

    name: str
    quantity: str
    limit: str
    unit: str
    resolution_s: float
    samples: int
    coverage_pct: float
    compliant: bool | None
    value: float | None = None
    within_pct: float | None = None
    required_pct: float | None = None
    note: str | None = None


def within(
    name: str,
    quantity: str,
    values: Values,
    low: float,
    high: float,
    required_pct: float,
    *,
    unit: str,
    width_s: float,
    slots: int,
    note: str | None = None,
) -> Criterion:
    """That a share of all values is in [low, high]. `value` is the one that is worst of those which must keep the limit.

    `values` holds NaN where nothing was measured; `slots` is how many there would be without a gap.
    """
    known = values[~np.isnan(values)]
    limit = f"at most {high:g}" if low == -np.inf else f"{low:g} to {high:g}"
    coverage = round(100 * len(known) / slots, 3) if slots else 0.0
    if not len(known):
        return Criterion(name, quantity, limit, unit, width_s, 0, coverage, None, required_pct=required_pct, note=note)
    inside = (known >= low) & (known <= high)
    share = 100 * float(inside.mean())
    middle = high if low == -np.inf else (low + high) / 2
    far = known if low == -np.inf else np.abs(known - middle)
    order = known[np.argsort(far, kind="stable")]
    judged = float(order[min(len(order) - 1, int(np.ceil(len(order) * required_pct / 100)) - 1)])
    return Criterion(
        name,
        quantity,
        limit,
        unit,
        width_s,
        len(known),
        coverage,
        share >= required_pct - 1e-9,
        round(judged, 4),
        round(share, 4),
        required_pct,
        note,
    )


def percentile(
    name: str, quantity: str, values: Values, rank: float, limit: float, *, unit: str, width_s: float, slots: int
) -> Criterion:
    """That a percentile of the values is at most a limit."""
    known = values[~np.isnan(values)]
    coverage = round(100 * len(known) / slots, 3) if slots else 0.0
    if not len(known):
        return Criterion(name, quantity, f"at most {limit:g}", unit, width_s, 0, coverage, None)
    value = float(np.percentile(known, rank))
    return Criterion(name, quantity, f"at most {limit:g}", unit, width_s, len(known), coverage, value <= limit, round(value, 4))


def verdict(criteria: list[Criterion]) -> bool | None:
    """False if one is broken, else None if one could not be judged, else True."""
    if any(each.compliant is False for each in criteria):
        return False
    return None if any(each.compliant is None for each in criteria) else True
