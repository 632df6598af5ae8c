"""From columns of energy to a report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from wattline.billing.boundary import Account
from wattline.billing.intervals import Floats, Grid, Matrix
from wattline.billing.model import EnergyIntervals, EnergyReport, MeteringPoint
from wattline.model.place import Block


def exact(amounts: Floats) -> Decimal:
    """The sum of floats without the error of adding them up."""
    return Decimal(repr(math.fsum(amounts.ravel().tolist())))


def coverage(matrix: Matrix, grid: Grid) -> float:
    """The share of the time of all meters, up to now, whose energy is known; 0 without a meter or time."""
    time = len(matrix.covered) * int(grid.passed.sum())
    return min(1.0, float(matrix.covered.sum()) / time) if time else 0.0


def share(part: float, whole: float) -> float:
    """What part of the whole is, 0 of nothing."""
    return min(1.0, abs(part / whole)) if whole else 0.0


def report(block: Block, start: int, end: int, account: Account, matrix: Matrix, weight: Floats, grid: Grid) -> EnergyReport:
    """A report of the meters of an account; `weight` is the share of each interval's energy that counts."""
    counts = np.array([meter.counted for meter in account.meters], bool)
    counted = np.where(counts[:, np.newaxis], matrix.energy * weight, 0.0)
    estimated = matrix.estimated[counts] * weight
    total = exact(counted)
    return EnergyReport(
        block=block,
        start=start,
        end=end,
        total=total,
        boundary=account.boundary,
        meters=account.meters,
        rows=_rows(account.meters, matrix, counted, grid),
        coverage=coverage(matrix.pick(np.flatnonzero(counts).tolist()), grid),
        estimated_share=share(float(estimated.sum()), float(total)),
        anomalies=int(matrix.anomalies.sum()),
    )


def _rows(meters: Sequence[MeteringPoint], matrix: Matrix, counted: Floats, grid: Grid) -> EnergyIntervals:
    """An entry per cell in which a meter said anything, by bucket, then tag."""
    by_tag = np.array(sorted(range(len(meters)), key=lambda i: (meters[i].tag, meters[i].id)), np.int64)
    said = (matrix.readings > 0) | (matrix.covered > 0) | (matrix.bridged > 0)
    interval, place = np.nonzero(said[by_tag].T)
    meter = by_tag[place]
    at = (meter, interval)
    known = (matrix.covered[at] > 0) | (matrix.energy[at] != 0)
    readings, passed = matrix.readings[at], grid.passed[interval]
    return EnergyIntervals(
        meter=meter.astype(np.int32),
        bucket=grid.buckets[interval],
        energy=np.where(known, matrix.energy[at], np.nan),
        counted=counted[at],
        samples=matrix.samples[at],
        good_ratio=np.where(readings > 0, matrix.good[at] / np.maximum(readings, 1), np.nan),
        coverage=np.clip(matrix.covered[at] / np.maximum(passed, 1), 0.0, 1.0),
        estimated=matrix.bridged[at] > 0,
    )
