"""How well a block uses energy, water and heat, and the carbon dioxide of both: from the same meters as its energy accounts.

- PUE (ISO/IEC 30134-2): energy of the facility by energy of the IT equipment, over the time that both were measured.
- WUE (ISO/IEC 30134-9): water evaporated to reject heat, in litres by kWh of IT energy.
- ERF (ISO/IEC 30134-6): reused energy by energy of the facility. Heat that is given away is reused energy.
- Recovery: reused heat by IT energy, all of which becomes heat; not by the overhead of cooling, which is always small.
- Scope 2 (GHG Protocol): energy of the facility by the factor of its grid.
- Avoided: the gas that a boiler would have burnt for the same heat. By the GHG Protocol told apart, never taken off scope 2.

No share is cut off at 1: what is over it is an error of a meter or of a role, and a flag says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from wattline.billing.energy import Energy
from wattline.billing.model import DailyEnergy
from wattline.billing.water import WaterUse
from wattline.model.place import Block

KWH_PER_THERM = Decimal("29.3001")
KG_PER_THERM = Decimal("5.3")
"""CO2 of a therm of natural gas that is burnt, by its higher heating value (US EPA: 0.0053 t)."""
GAS_KG_PER_KWH = KG_PER_THERM / KWH_PER_THERM
"""The same for a kWh of gas: 0.1809 kg."""
BOILER_EFFICIENCY = Decimal("0.85")
MILLI = Decimal("0.001")
COMPLETE = 0.95
_EVERY_DAY = ("no_facility_meter", "no_heat_meter")


@dataclass(frozen=True, slots=True)
class Factors:
    """What energy and heat stand for: kg of CO2 by kWh of the grid (None: not told) and of gas, and the boiler's efficiency."""

    grid_kg_per_kwh: Decimal | None = None
    gas_kg_per_kwh: Decimal = GAS_KG_PER_KWH
    boiler_efficiency: Decimal = BOILER_EFFICIENCY


@dataclass(frozen=True, slots=True)
class Measured:
    """What the meters of a block say of a period: energies in kWh, water in litres; None where there is no such meter."""

    facility_kwh: Decimal | None
    it_kwh: Decimal | None
    recovered_kwht: Decimal | None
    rejected_kwht: Decimal | None
    pue: Decimal | None
    water_l: Decimal | None = None
    coverage: float = 1.0
    """The share of the period that the meters of the facility measured."""
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sustainability:
    """The figures of a period, not rounded; None where a meter or a factor is missing. Masses in kg of CO2.

    `flags` adds to those of `Measured`: "pue_below_one", "erf_above_one", "recovery_above_one", "incomplete".
    """

    pue: Decimal | None
    wue_l_per_kwh: Decimal | None
    erf: Decimal | None
    recovery: Decimal | None
    scope_2_kg: Decimal | None
    avoided_kg: Decimal | None
    gas_displaced_therms: Decimal | None
    flags: tuple[str, ...]


def figures(measured: Measured, factors: Factors) -> Sustainability:
    """The figures. The efficiency of the boiler must be over 0."""
    erf = _by(measured.recovered_kwht, measured.facility_kwh)
    recovery = _by(measured.recovered_kwht, measured.it_kwh)
    gas = None if measured.recovered_kwht is None else measured.recovered_kwht / factors.boiler_efficiency
    scope_2 = None
    if measured.facility_kwh is not None and factors.grid_kg_per_kwh is not None:
        scope_2 = measured.facility_kwh * factors.grid_kg_per_kwh
    said = {
        "pue_below_one": measured.pue is not None and measured.pue < 1,
        "erf_above_one": erf is not None and erf > 1,
        "recovery_above_one": recovery is not None and recovery > 1,
        "incomplete": measured.coverage < COMPLETE,
    }
    return Sustainability(
        pue=measured.pue,
        wue_l_per_kwh=_by(measured.water_l, measured.it_kwh),
        erf=erf,
        recovery=recovery,
        scope_2_kg=scope_2,
        avoided_kg=None if gas is None else gas * factors.gas_kg_per_kwh,
        gas_displaced_therms=None if gas is None else gas / KWH_PER_THERM,
        flags=(*measured.flags, *(flag for flag, holds in said.items() if holds)),
    )


def rounded(amount: Decimal | None) -> Decimal | None:
    """To 3 decimals, halves away from zero."""
    return None if amount is None else amount.quantize(MILLI, ROUND_HALF_UP)


def _by(part: Decimal | None, whole: Decimal | None) -> Decimal | None:
    return part / whole if part is not None and whole else None


def measured(days: Sequence[DailyEnergy], passed: int, water: WaterUse | None = None) -> Measured:
    """What the days of a period say together; `passed` is how much of the period has passed, in us.

    What stands on a meter that no day has is None. PUE is that of the days weighted by their IT energy.
    """
    missing = tuple(flag for flag in _EVERY_DAY if all(flag in day.flags for day in days))
    with_it = [day for day in days if day.it_kwh is not None]
    rated = [(day.pue_estimate, day.it_kwh) for day in days if day.pue_estimate is not None and day.it_kwh is not None]
    weight = sum((it for _, it in rated), Decimal(0))
    heat = bool(days) and "no_heat_meter" not in missing
    return Measured(
        facility_kwh=_sum(day.electrical_kwh for day in days) if days and "no_facility_meter" not in missing else None,
        it_kwh=_sum(day.it_kwh for day in with_it if day.it_kwh is not None) if with_it else None,
        recovered_kwht=_sum(day.thermal_kwht_recovered for day in days) if heat else None,
        rejected_kwht=_sum(day.thermal_kwht_rejected for day in days) if heat else None,
        pue=_sum(Decimal(repr(pue)) * it for pue, it in rated) / weight if weight else None,
        water_l=None if water is None else water.litres,
        coverage=sum(day.coverage * (day.end - day.start) for day in days) / passed if passed > 0 else 0.0,
        flags=missing,
    )


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))


async def measure(energy: Energy, block: Block, start: int, end: int, now: int) -> tuple[Measured, WaterUse | None]:
    """What the meters of a block say of [start, end), and its water. Raises what `Energy` raises."""
    days = await energy.daily(block, start, end)
    water = await energy.water(block, start, end)
    return measured(days, min(end, now) - start, water), water
