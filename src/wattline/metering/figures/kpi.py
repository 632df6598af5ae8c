"""The key figures of a period."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

import numpy as np

from wattline.metering.energy.cells import INTERVAL
from wattline.metering.figures.cost import Rates
from wattline.metering.figures.profile import Profile
from wattline.model.clock import SECOND

Demand = Literal["block", "sliding"]
BASE_PERCENTILE = 5
DIGITS = 12
"""Decimals that are told: less than a float's rounding, so that sums of what is told stay exact."""


@dataclass(frozen=True, slots=True)
class Kpi:
    """Energy in kWh, power in kW, times in us; None for what is not known.

    `peak_kw` is the largest mean net power of 15 minutes: of those on the clock or, where `demand` is sliding, of any, of a
    profile that is known every `resolution_s`. `base_kw` is the 5th percentile of the means on the clock.
    """

    start: int
    end: int
    import_kwh: float | None
    export_kwh: float | None
    net_kwh: float | None
    peak_kw: float | None
    peak_at: int | None
    avg_kw: float | None
    min_kw: float | None
    load_factor: float | None
    base_kw: float | None
    pf_avg: float | None
    self_consumption_pct: float | None
    self_sufficiency_pct: float | None
    cost: Decimal | None
    currency: str | None
    co2_kg: float | None
    expected: int
    received: int
    completeness_pct: float | None
    coverage_pct: float | None
    estimated_kwh: float | None
    withheld_kwh: float | None
    silent: tuple[int, ...]
    demand: Demand = "block"
    resolution_s: int = INTERVAL // SECOND


def rounded(value: float | None) -> float | None:
    """A number as it is told; -0 is 0."""
    return None if value is None else round(float(value), DIGITS) + 0.0


def percent(part: float, whole: float) -> float | None:
    """A share in percent, from 0 to 100."""
    return min(max(100.0 * part / whole, 0.0), 100.0) if whole else None


def kpi(profile: Profile, rates: Rates | None) -> Kpi:
    """The key figures of a profile."""
    told = bool((profile.known > 0).any())
    there, back = float(profile.there.sum()), float(profile.back.sum())
    means = profile.means()
    known = means[~np.isnan(means)]
    peak_at = None
    peak = low = average = base = None
    if len(known):
        place = int(np.nanargmax(means))
        peak, peak_at = float(means[place]), max(int(profile.times[place]), profile.start)
        low, average = float(known.min()), float(known.mean())
        base = float(np.percentile(known, BASE_PERCENTILE))
    own, sufficient = _self(profile, there, back)
    coverage, received = profile.coverage(), int(profile.received.sum())
    return Kpi(
        start=profile.start,
        end=profile.end,
        import_kwh=rounded(there) if told else None,
        export_kwh=rounded(back) if told and profile.gives else None,
        net_kwh=rounded(there - back) if told else None,
        peak_kw=rounded(peak),
        peak_at=peak_at,
        avg_kw=rounded(average),
        min_kw=rounded(low),
        load_factor=rounded(average / peak) if average is not None and peak is not None and peak > 0 else None,
        base_kw=rounded(base),
        pf_avg=rounded(_power_factor(profile)),
        self_consumption_pct=rounded(own),
        self_sufficiency_pct=rounded(sufficient),
        cost=rates.amount(profile.there) if rates is not None and told else None,
        currency=None if rates is None else rates.currency,
        co2_kg=rounded(profile.carbon_kg) if told else None,
        expected=profile.expected,
        received=received,
        completeness_pct=rounded(percent(received, profile.expected)),
        coverage_pct=rounded(None if coverage is None else percent(coverage, 1.0)),
        estimated_kwh=rounded(float(profile.estimated.sum())) if told else None,
        withheld_kwh=rounded(profile.withheld) if told else None,
        silent=tuple(profile.silent),
    )


def _power_factor(profile: Profile) -> float | None:
    """kWh / sqrt(kWh^2 + kvarh^2) of the intervals in which both are known; None where a member tells no reactive energy."""
    if profile.reactive is None or profile.unreactive:
        return None
    apparent = float(np.hypot(profile.active, profile.reactive))
    return profile.active / apparent if apparent else None


def _self(profile: Profile, there: float, back: float) -> tuple[float | None, float | None]:
    """How much of what was generated was used on the spot, and how much of what was used that is, in percent."""
    if profile.generated is None:
        return None, None
    made = float(profile.generated.sum())
    kept = made - back
    return percent(kept, made), percent(kept, there + kept)


def slid(found: Kpi, peak: tuple[float, int], resolution_s: int) -> Kpi:
    """The same with the largest mean of any 15 minutes, where that is larger than those on the clock."""
    told = replace(found, demand="sliding", resolution_s=resolution_s)
    if found.peak_kw is None or peak[0] <= found.peak_kw:
        return told
    factor = None if found.avg_kw is None or peak[0] <= 0 else found.avg_kw / peak[0]
    return replace(told, peak_kw=rounded(peak[0]), peak_at=peak[1], load_factor=rounded(factor))


COMPARED = ("import_kwh", "export_kwh", "net_kwh", "peak_kw", "avg_kw", "cost", "co2_kg")


def changes(now: Kpi, before: Kpi) -> dict[str, float | None]:
    """By how many percent each figure changed; None where there is none, or it was 0."""
    found: dict[str, float | None] = {}
    for name in COMPARED:
        new, old = getattr(now, name), getattr(before, name)
        found[name] = None if new is None or old is None or not old else rounded(100.0 * float(new - old) / abs(float(old)))
    return found
