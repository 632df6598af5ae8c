"""Days of energy: what came in, what heat was recovered and rejected, and how well both are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wattline.billing.boundary import Account
from wattline.billing.intervals import Floats, Grid, Matrix
from wattline.billing.model import INTERVAL, Boundary, DailyEnergy, MeteringPoint
from wattline.billing.report import coverage, exact, share

COMPLETE = 0.95
MOSTLY_MEASURED = 0.05


@dataclass(frozen=True, slots=True)
class Accounts:
    """The meters of a day's figures."""

    electrical: Account
    thermal: Account
    it: tuple[MeteringPoint, ...]
    reject: tuple[MeteringPoint, ...]

    def meters(self) -> list[MeteringPoint]:
        """Every meter once."""
        every = [m for account in (self.electrical, self.thermal) for m in account.meters if m.counted]
        return list({(m.id, m.kind): m for m in (*every, *self.it, *self.reject)}.values())


@dataclass(frozen=True, slots=True)
class Day:
    """The local day of `midnight` and what of it is counted, times in us; and the columns of its intervals."""

    midnight: int
    start: int
    end: int
    whole: bool
    grid: Grid
    matrix: Matrix
    recovered: Floats


def pue(facility: Matrix, it: Matrix) -> float | None:
    """Facility energy by IT energy, over the time that every meter of both sides covers; None without IT energy.

    In an interval that is covered in part the mean power of the part stands for the time common to all.
    """
    if not len(facility.energy) or not len(it.energy):
        return None
    common = np.minimum(facility.covered.min(axis=0), it.covered.min(axis=0)) / INTERVAL
    power = [
        np.where(m.covered > 0, m.energy / np.maximum(m.covered, 1) * INTERVAL, 0.0).sum(axis=0) * common
        for m in (facility, it)
    ]
    used = float(power[1].sum())
    return float(power[0].sum()) / used if used > 0 else None


def daily(accounts: Accounts, meters: Sequence[MeteringPoint], day: Day) -> DailyEnergy | None:
    """The figures of a day from the columns of `meters`; None where none of them said anything."""
    matrix = day.matrix
    if not (matrix.readings.any() or matrix.covered.any()):
        return None
    row = {(meter.id, meter.kind): i for i, meter in enumerate(meters)}

    def part(chosen: Sequence[MeteringPoint]) -> Matrix:
        return matrix.pick([row[m.id, m.kind] for m in chosen])

    electrical = part([m for m in accounts.electrical.meters if m.counted])
    thermal = part([m for m in accounts.thermal.meters if m.counted])
    it, reject = part(accounts.it), part(accounts.reject)
    used, heat = exact(electrical.energy), exact(thermal.energy * day.recovered)
    it_kwh = exact(it.energy) if it.covered.any() else None
    facility = accounts.electrical.boundary is Boundary.FACILITY_MAIN
    effectiveness = pue(electrical, it) if facility else None
    ratio = float(heat / used) if used > 0 else 0.0
    covered = coverage(electrical, day.grid)
    estimated = share(float(electrical.estimated.sum()), float(used))
    said = {
        "ratio_above_one": ratio > 1,
        "pue_below_one": effectiveness is not None and effectiveness < 1,
        "partial_day": not day.whole,
        "incomplete": covered < COMPLETE,
        "estimated": estimated > MOSTLY_MEASURED,
        "no_facility_meter": not facility,
        "no_heat_meter": accounts.thermal.boundary in (Boundary.NONE, Boundary.UNASSIGNED),
    }
    return DailyEnergy(
        day=day.midnight,
        start=day.start,
        end=day.end,
        electrical_kwh=used,
        thermal_kwht_recovered=heat,
        thermal_kwht_rejected=exact(reject.energy),
        it_kwh=it_kwh,
        heat_recovery_ratio=ratio,
        it_recovery_ratio=float(heat / it_kwh) if it_kwh else None,
        pue_estimate=effectiveness,
        coverage=covered,
        thermal_coverage=coverage(thermal, day.grid),
        estimated_share=estimated,
        flags=tuple(flag for flag, holds in said.items() if holds),
    )
