"""Energy as the contract shows it: rows by meter and interval, days, and how much of either was measured."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Annotated

import msgspec

from wattline.billing.model import DailyEnergy, EnergyReport, MeteringPoint
from wattline.contracts.mcs.derive import Time, said
from wattline.contracts.mcs.times import spell, spell_all

MILLI = Decimal("0.001")
WIDE = Context(prec=400)
"""Digits enough for every float there is: what a broken meter sent must not break the answer."""
PIECE = 2000
"""Rows that are made at a time."""

Value = Annotated[float | None, said("Null where nothing usable is known.")]
Measured = Annotated[float, said("Added: share of the interval that was measured.")]
Estimated = Annotated[bool, said("Added: a part of the energy was bridged over a gap.")]
Authoritative = Annotated[bool, said("Added: the row counts in the total. Meters behind another one do not count again.")]
Total = Annotated[float, said("Over the authoritative rows, rounded to 3 decimals.")]
Edge = Annotated[str, said("Added: which meters make the total, such as facility_main; unassigned is not for invoices.")]
TotalMeasured = Annotated[float, said("Added: share of the time that the meters of the total measured.")]
TotalEstimated = Annotated[float, said("Added: share of the total that is estimated.")]
Anomalies = Annotated[int, said("Added: readings that could not be right, such as heat flowing backwards.")]


class KwhRow(msgspec.Struct, kw_only=True):
    """Electrical energy of one meter in five minutes."""

    bucket: Time
    sensor_id: int
    sensor_tag: str
    equipment_tag: str
    block_slug: str
    site_slug: str
    kwh_value: Value
    unit: Annotated[str, said("Of the readings: kW, or kWh for a register, whose row is the energy and not the reading.")]
    sample_count: int
    quality_good_ratio: float | None
    coverage: Measured
    estimated: Estimated
    authoritative: Authoritative


class KwhtRow(msgspec.Struct, kw_only=True):
    """Recovered heat of one meter in five minutes."""

    bucket: Time
    sensor_id: int
    sensor_tag: str
    equipment_tag: str
    block_slug: str
    site_slug: str
    kwht_value: Value
    unit: str
    sample_count: int
    quality_good_ratio: float | None
    coverage: Measured
    estimated: Estimated
    authoritative: Authoritative


class KwhReport(msgspec.Struct, kw_only=True):
    """Electrical energy in five-minute rows, by bucket, then tag."""

    block_slug: str
    start: Time
    end: Time
    total_kwh: Total
    row_count: int
    boundary: Edge
    coverage: TotalMeasured
    estimated_share: TotalEstimated
    anomalies: Anomalies
    data: list[KwhRow]


class KwhtReport(msgspec.Struct, kw_only=True):
    """Recovered heat in five-minute rows, by bucket, then tag."""

    block_slug: str
    start: Time
    end: Time
    total_kwht: Total
    row_count: int
    boundary: Edge
    coverage: TotalMeasured
    estimated_share: TotalEstimated
    anomalies: Anomalies
    data: list[KwhtRow]


class DayRow(msgspec.Struct, kw_only=True):
    """The energy of a block on one day."""

    day: Annotated[Time, said("Midnight at which the day begins, in UTC.")]
    block_slug: str
    site_slug: str
    electrical_kwh: float
    thermal_kwht_recovered: float
    thermal_kwht_rejected: float
    heat_recovery_ratio: Annotated[float, said("Recovered heat by electrical energy; 0 without electrical energy.")]
    pue_estimate: Annotated[float | None, said("Facility energy by IT energy; null where no IT meter says anything.")]
    start: Annotated[Time, said("Added: from when on the day is counted.")]
    end: Annotated[Time, said("Added: until when.")]
    it_kwh: Annotated[float | None, said("Added.")]
    it_recovery_ratio: Annotated[float | None, said("Added: recovered heat by IT energy.")]
    coverage: Annotated[float, said("Added: share of the day that the electrical meters measured.")]
    thermal_coverage: Annotated[float, said("Added: the same for heat.")]
    estimated_share: Annotated[float, said("Added: share of the electrical energy that is estimated.")]
    flags: Annotated[list[str], said("Added: what to know before the day is used, such as partial_day or pue_below_one.")]


class MeterRow(msgspec.Struct):
    """One meter of a report."""

    sensor_id: int
    sensor_tag: str
    equipment_tag: str
    role: str | None
    kind: Annotated[str, said("power is integrated, a register is differenced, heat is computed from flow and temperatures.")]
    unit: str
    authoritative: bool
    intervals: Annotated[int, said("Five-minute intervals in which it said anything.")]


class CoverageRow(msgspec.Struct):
    """What a total rests on."""

    total: float
    boundary: str
    coverage: float
    estimated_share: float
    anomalies: int
    meters: list[MeterRow]


class BlockCoverage(msgspec.Struct):
    """How much of a block's energy was measured, and by what."""

    block_slug: str
    site_slug: str | None
    start: Time
    end: Time
    electrical: CoverageRow | None
    thermal: CoverageRow | None


def rounded(amount: Decimal) -> float:
    """To 3 decimals, halves away from zero."""
    return float(amount.quantize(MILLI, ROUND_HALF_UP, WIDE))


def number(value: float) -> float | None:
    """A figure, None where there is none."""
    return value if math.isfinite(value) else None


def pieces(report: EnergyReport, row: type[KwhRow] | type[KwhtRow]) -> Iterator[list[KwhRow | KwhtRow]]:
    """The rows of a report, some thousands at a time."""
    value = "kwh_value" if row is KwhRow else "kwht_value"
    block, rows = report.block, report.rows
    for first in range(0, len(rows), PIECE):
        part = slice(first, first + PIECE)
        columns = zip(
            spell_all(rows.bucket[part]),
            rows.meter[part].tolist(),
            rows.energy[part].tolist(),
            rows.samples[part].tolist(),
            rows.good_ratio[part].tolist(),
            rows.coverage[part].tolist(),
            rows.estimated[part].tolist(),
            strict=True,
        )
        found = []
        for bucket, index, energy, samples, good, coverage, estimated in columns:
            meter: MeteringPoint = report.meters[index]
            made = row(
                bucket=bucket,
                sensor_id=meter.id,
                sensor_tag=meter.tag,
                equipment_tag=meter.equipment,
                block_slug=block.slug,
                site_slug=block.site.key,
                unit=meter.unit,
                sample_count=samples,
                quality_good_ratio=number(good),
                coverage=coverage,
                estimated=estimated,
                authoritative=meter.authoritative,
                **{value: number(energy)},
            )
            found.append(made)
        yield found


def day_row(report_slug: str, site_slug: str, found: DailyEnergy) -> DayRow:
    """One day."""
    return DayRow(
        day=spell(found.day),
        block_slug=report_slug,
        site_slug=site_slug,
        electrical_kwh=rounded(found.electrical_kwh),
        thermal_kwht_recovered=rounded(found.thermal_kwht_recovered),
        thermal_kwht_rejected=rounded(found.thermal_kwht_rejected),
        heat_recovery_ratio=found.heat_recovery_ratio,
        pue_estimate=found.pue_estimate,
        start=spell(found.start),
        end=spell(found.end),
        it_kwh=None if found.it_kwh is None else rounded(found.it_kwh),
        it_recovery_ratio=found.it_recovery_ratio,
        coverage=found.coverage,
        thermal_coverage=found.thermal_coverage,
        estimated_share=found.estimated_share,
        flags=list(found.flags),
    )


def coverage_row(report: EnergyReport) -> CoverageRow:
    """What the total of a report rests on."""
    counts = [0] * len(report.meters)
    for index in report.rows.meter.tolist():
        counts[index] += 1
    meters = [
        MeterRow(each.id, each.tag, each.equipment, each.role, str(each.kind), each.unit, each.authoritative, count)
        for each, count in zip(report.meters, counts, strict=True)
    ]
    return CoverageRow(
        rounded(report.total), str(report.boundary), report.coverage, report.estimated_share, report.anomalies, meters
    )
