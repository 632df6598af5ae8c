"""GET /billing/sustainability: PUE, WUE, reuse of heat and carbon dioxide of a block."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field

from wattline.billing.sustainability import (
    BOILER_EFFICIENCY,
    GAS_KG_PER_KWH,
    Factors,
    Measured,
    Sustainability,
    figures,
    measure,
)
from wattline.billing.water import WaterUse
from wattline.contracts.mcs import derive
from wattline.contracts.mcs.billing_rows import rounded
from wattline.contracts.mcs.blocks import Blocks, required
from wattline.contracts.mcs.derive import Time, said
from wattline.contracts.mcs.documents import refusals
from wattline.contracts.mcs.errors import JSON
from wattline.contracts.mcs.gate import Gate
from wattline.contracts.mcs.parameters import EnergyQuery
from wattline.contracts.mcs.times import Range, spell, time_range
from wattline.model.place import Block
from wattline.model.principal import Principal
from wattline.platform import Platform


class SustainabilityQuery(EnergyQuery):
    """GET /billing/sustainability."""

    grid_factor: Decimal | None = Field(
        None,
        ge=0,
        le=10,
        max_digits=12,
        description="kg of CO2 by kWh of the grid; without it scope 2 is null.",
        examples=["0.24"],
    )
    gas_factor: Decimal = Field(
        GAS_KG_PER_KWH, ge=0, le=10, max_digits=40, description="kg of CO2 by kWh of gas that is burnt."
    )
    boiler_efficiency: Decimal = Field(
        BOILER_EFFICIENCY, ge=0.1, le=1.2, max_digits=12, description="Efficiency of the boiler that the heat replaces."
    )


class WaterRow(msgspec.Struct):
    """The water that was evaporated."""

    litres: float
    sensor_tags: list[str]
    coverage: Annotated[float, said("Share of the time that its meters measured.")]


class FactorsRow(msgspec.Struct):
    """What the masses were computed with."""

    grid_kg_per_kwh: float | None
    gas_kg_per_kwh: float
    boiler_efficiency: float


class SustainabilityReport(msgspec.Struct, kw_only=True):
    """How well a block uses energy, water and heat. Figures to 3 decimals; null where a meter or a factor is missing."""

    block_slug: str
    site_slug: str
    start: Time
    end: Time
    facility_kwh: Annotated[float | None, said("Null without a meter at the facility's edge.")]
    it_kwh: float | None
    thermal_kwht_recovered: float | None
    thermal_kwht_rejected: float | None
    water: WaterRow | None
    pue: Annotated[float | None, said("ISO/IEC 30134-2: facility by IT energy, over the time that both were measured.")]
    wue_l_per_kwh: Annotated[float | None, said("ISO/IEC 30134-9: litres by kWh of IT energy.")]
    energy_reuse_factor: Annotated[float | None, said("ISO/IEC 30134-6: reused heat by facility energy.")]
    heat_recovery_ratio_it: Annotated[float | None, said("Reused heat by IT energy; never cut off at 1.")]
    co2_scope_2_kg: Annotated[float | None, said("Facility energy by the factor of the grid.")]
    co2_avoided_kg: Annotated[float | None, said("Of the gas that the reused heat replaces; not taken off scope 2.")]
    gas_displaced_therms: float | None
    factors: FactorsRow
    coverage: Annotated[float, said("Share of the time that the meters of the facility measured.")]
    flags: Annotated[
        list[str],
        said("no_facility_meter, no_heat_meter, pue_below_one, erf_above_one, recovery_above_one, incomplete."),
    ]


def _number(amount: Decimal | None) -> float | None:
    return None if amount is None else rounded(amount)


def report(
    block: Block, asked: Range, used: Factors, measured: Measured, water: WaterUse | None, found: Sustainability
) -> SustainabilityReport:
    """The answer."""
    litres = None
    if water is not None:
        litres = WaterRow(rounded(water.litres), [meter.tag for meter in water.meters], water.coverage)
    grid = used.grid_kg_per_kwh
    return SustainabilityReport(
        block_slug=block.slug,
        site_slug=block.site.key,
        start=spell(asked.start),
        end=spell(asked.end),
        facility_kwh=_number(measured.facility_kwh),
        it_kwh=_number(measured.it_kwh),
        thermal_kwht_recovered=_number(measured.recovered_kwht),
        thermal_kwht_rejected=_number(measured.rejected_kwht),
        water=litres,
        pue=_number(found.pue),
        wue_l_per_kwh=_number(found.wue_l_per_kwh),
        energy_reuse_factor=_number(found.erf),
        heat_recovery_ratio_it=_number(found.recovery),
        co2_scope_2_kg=_number(found.scope_2_kg),
        co2_avoided_kg=_number(found.avoided_kg),
        gas_displaced_therms=_number(found.gas_displaced_therms),
        factors=FactorsRow(None if grid is None else float(grid), float(used.gas_kg_per_kwh), float(used.boiler_efficiency)),
        coverage=measured.coverage,
        flags=list(found.flags),
    )


def build(platform: Platform, gate: Gate, blocks: Blocks) -> APIRouter:
    """The route, on this platform."""
    router = APIRouter(tags=["MCS billing"])
    caller = Depends(gate.reader)

    @router.get(
        "/billing/sustainability",
        summary="Energy, water, heat and carbon dioxide",
        response_model=derive.model(SustainabilityReport),
        responses=refusals(400, 404, 409, 422),
    )
    async def sustainability(query: Annotated[SustainabilityQuery, Query()], principal: Principal = caller) -> Response:
        """From the same meters as the energy accounts: those at the facility's edge, of IT, of heat, and of spray water."""
        text = required(query.block_slug, query.block_id)
        asked = time_range(query.start, query.end, now := platform.clock.micros())
        block = blocks.block(principal, text)
        used = Factors(query.grid_factor, query.gas_factor, query.boiler_efficiency)
        measured, water = await measure(platform.energy, block, asked.start, asked.end, now)
        found = report(block, asked, used, measured, water, figures(measured, used))
        return Response(msgspec.json.encode(found), media_type=JSON)

    return router
