"""The nouns of interval energy."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from wattline.model.clock import MINUTE
from wattline.model.place import Block
from wattline.registry.point import Point

INTERVAL = 5 * MINUTE
"""The width of an energy interval in us; intervals align to 1970 UTC, and one belongs to the range that it starts in."""


class Role(StrEnum):
    """What a sensor is in the energy accounts of its block."""

    FACILITY_MAIN = "facility_main"
    IT_MAIN = "it_main"
    SUBMETER = "submeter"
    COUNTER = "counter"
    HEAT_POWER = "heat_power"
    HEAT_ENERGY = "heat_energy"
    FLOW = "flow"
    T_SUPPLY = "t_supply"
    T_RETURN = "t_return"
    REJECT_POWER = "reject_power"


class Kind(StrEnum):
    """How a meter's energy is found: power is integrated, a register is differenced, heat is computed from flow and dT."""

    POWER = "power"
    REGISTER = "register"
    HEAT = "heat"


class Boundary(StrEnum):
    """What an account counts: the meters at the facility's (or the heat system's) edge, or the best that is there.

    With `UNASSIGNED` no sensor has a role: what is counted may be nested, and is not for an invoice.
    """

    FACILITY_MAIN = "facility_main"
    SUBMETERS = "submeters"
    HEAT_ENERGY = "heat_energy"
    HEAT_POWER = "heat_power"
    COMPUTED_HEAT = "computed_heat"
    UNASSIGNED = "unassigned"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class MeteringPoint:
    """One meter of a report. `scale` turns its readings into kW (power) or kWh (register), its factor included.

    `unit` is the unit that a row names. `counted`: its energy is in the total; `authoritative`: and its role says that it
    belongs there. `computed`: its power is not what the sensor said, but was found from it: by its factor, or, of a heat
    meter, from the flow (`point`) and the temperatures `supply` and `back`.
    """

    point: Point
    kind: Kind
    scale: float
    unit: str
    counted: bool = False
    authoritative: bool = False
    computed: bool = False
    supply: Point | None = None
    back: Point | None = None

    @property
    def id(self) -> int:
        """The sensor's id."""
        return self.point.id

    @property
    def tag(self) -> str:
        return self.point.tag

    @property
    def equipment(self) -> str:
        """The tag of its equipment."""
        return self.point.equipment

    @property
    def role(self) -> str | None:
        return self.point.sensor.role

    @property
    def points(self) -> tuple[Point, ...]:
        """Every sensor that it is found from."""
        return tuple(point for point in (self.point, self.supply, self.back) if point is not None)


@dataclass(frozen=True, slots=True)
class EnergyIntervals:
    """Columns of intervals, ordered by bucket, then tag: one entry per meter and interval in which it said anything.

    `meter` is an index into the meters of the report; `bucket` the start in us. `energy` is in kWh over the measured part
    of the interval, NaN where nothing usable is known; `counted` is what of it is in the total. `samples` counts the usable
    readings (of the flow, for computed heat) and `good_ratio` is the share of GOOD among all, NaN where there was none.
    `coverage` is the share of the interval (of what of it has passed) that is measured. `estimated`: a part of the energy
    was bridged over a gap, spread over one, or lost by a register that fell.
    """

    meter: NDArray[np.int32]
    bucket: NDArray[np.int64]
    energy: NDArray[np.float64]
    counted: NDArray[np.float64]
    samples: NDArray[np.int64]
    good_ratio: NDArray[np.float64]
    coverage: NDArray[np.float64]
    estimated: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.bucket)


@dataclass(frozen=True, slots=True)
class EnergyReport:
    """The energy of a block over the intervals that start in [start, end), times in us.

    `total` is in kWh over the counted meters alone, not rounded. `coverage` is the share of their time (up to now)
    that was measured, 0 where there is none; `estimated_share` the share of the total that is estimated. `anomalies` counts
    what could not be right: heat flowing backwards, a register that jumped further than the block can consume.
    """

    block: Block
    start: int
    end: int
    total: Decimal
    boundary: Boundary
    meters: tuple[MeteringPoint, ...]
    rows: EnergyIntervals
    coverage: float
    estimated_share: float
    anomalies: int

    @property
    def authoritative(self) -> tuple[int, ...]:
        """The ids of the sensors whose energy is the total; empty where no sensor has a role."""
        return tuple(meter.id for meter in self.meters if meter.authoritative)


@dataclass(frozen=True, slots=True)
class DailyEnergy:
    """The energy of a block on one local day, or on the part of it that was asked for; energies in kWh, not rounded.

    `day` is the local midnight in us; `start` and `end` what of the day is counted. `heat_recovery_ratio` is recovered heat
    by electrical energy at the boundary, never clamped, 0 without electrical energy. `it_recovery_ratio` and `pue_estimate`
    are None where no IT meter says anything; PUE counts only the time that both sides cover.

    `flags` may hold: "ratio_above_one", "pue_below_one", "partial_day", "incomplete" (under 95 % measured), "estimated" (over
    5 % estimated), "no_facility_meter", "no_heat_meter".
    """

    day: int
    start: int
    end: int
    electrical_kwh: Decimal
    thermal_kwht_recovered: Decimal
    thermal_kwht_rejected: Decimal
    it_kwh: Decimal | None
    heat_recovery_ratio: float
    it_recovery_ratio: float | None
    pue_estimate: float | None
    coverage: float
    thermal_coverage: float
    estimated_share: float
    flags: tuple[str, ...]
